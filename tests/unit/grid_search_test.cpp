// Searching grid points against trying all of them, and against what no result may be.
#include "tinyc/quant/grid_search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "unit/random_error.h"

namespace tinyc::testing {
namespace {

GridSearch search_of(std::vector<OutputError> groups, int32_t limit, bool shared_scale) {
  GridSearch search;
  search.q_min = -limit;
  search.q_max = limit;
  size_t rows = 0;
  for (const OutputError& group : groups) {
    std::vector<size_t>& scale_of = search.scale_of.emplace_back();
    for (int64_t r = 0; r < group.target.rows; ++r) scale_of.push_back(shared_scale ? 0 : rows++);
  }
  search.scales.assign(shared_scale ? 1 : rows, static_cast<double>(static_cast<float>(1.0 / limit)));
  search.smallest.assign(search.scales.size(), 1e-6);
  search.groups = std::move(groups);
  return search;
}

double row_error(const OutputError& error, int64_t row, double scale, std::vector<double> steps) {
  for (double& step : steps) step *= scale;
  return testing::row_error(error, row, steps);
}

std::vector<double> steps_of(const Matrix& steps, int64_t row) {
  const auto line = steps.row(row);
  return {line.begin(), line.end()};
}

// Nearest rounding of the targets with today's scales: what there is without a search.
GridPoint nearest_point(const GridSearch& search) {
  GridPoint point;
  point.scales = search.scales;
  for (size_t g = 0; g < search.groups.size(); ++g) {
    const auto& [h, target] = search.groups[g];
    Matrix steps(target.rows, target.columns);
    for (int64_t r = 0; r < target.rows; ++r) {
      const double scale = search.scales[search.scale_of[g][static_cast<size_t>(r)]];
      for (int64_t c = 0; c < target.columns; ++c) {
        steps(r, c) = std::clamp(std::nearbyint(target(r, c) / scale), static_cast<double>(search.q_min),
                                 static_cast<double>(search.q_max));
      }
    }
    point.steps.push_back(std::move(steps));
  }
  return point;
}

// The least error of a row for a given scale, over all integers.
double least_error(const OutputError& error, int64_t row, double scale, int limit) {
  std::vector<double> steps(static_cast<size_t>(error.h.rows), -limit);
  double best = HUGE_VAL;
  while (true) {
    best = std::min(best, row_error(error, row, scale, steps));
    size_t at = 0;
    while (at < steps.size() && ++steps[at] > limit) steps[at++] = -limit;
    if (at == steps.size()) return best;
  }
}

TEST(GridSearch, TinyRowsAreAsGoodAsTryingAll) {
  int exact = 0, rows = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const GridSearch search = search_of({correlated_error(4, 5, seed)}, 3, false);
    const GridPoint point = search_grid(search, 1);
    for (int64_t r = 0; r < 4; ++r, ++rows) {
      const double scale = point.scales[static_cast<size_t>(r)];
      const double least = least_error(search.groups[0], r, scale, 3);
      const double found = row_error(search.groups[0], r, scale, steps_of(point.steps[0], r));
      EXPECT_GE(found, least - 1e-12);
      exact += found <= least * (1 + 1e-9) ? 1 : 0;
    }
  }
  EXPECT_GE(exact, rows * 9 / 10) << "of " << rows;
}

TEST(GridSearch, NoSingleStepAndNoPairOfStepsGains) {
  const GridSearch search = search_of({correlated_error(3, 12, 7)}, 7, false);
  const GridPoint point = search_grid(search, 1);
  for (int64_t r = 0; r < 3; ++r) {
    const double scale = point.scales[static_cast<size_t>(r)];
    const std::vector<double> steps = steps_of(point.steps[0], r);
    const double found = row_error(search.groups[0], r, scale, steps);
    for (size_t j = 0; j < steps.size(); ++j) {
      for (const double by : {-1.0, 1.0}) {
        std::vector<double> moved = steps;
        moved[j] += by;
        if (std::abs(moved[j]) > 7) continue;
        EXPECT_GE(row_error(search.groups[0], r, scale, moved), found * (1 - 1e-9));
      }
    }
  }
}

TEST(GridSearch, IsNeverWorseThanRoundingToNearest) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    for (const bool shared : {false, true}) {
      const GridSearch search =
          search_of({correlated_error(5, 20, seed), correlated_error(5, 20, seed + 100)}, 7, shared);
      const GridPoint point = search_grid(search, 2);
      EXPECT_LT(error_of(search, point), error_of(search, nearest_point(search)));
      EXPECT_NEAR(point.error, error_of(search, point), 1e-9 * point.error);
    }
  }
}

TEST(GridSearch, StaysOnItsGrid) {
  GridSearch search = search_of({correlated_error(6, 9, 3)}, 1, false);
  search.smallest.assign(6, 0.75);
  const GridPoint point = search_grid(search, 1);
  for (const double scale : point.scales) {
    EXPECT_GE(scale, 0.75);
    EXPECT_EQ(scale, static_cast<double>(static_cast<float>(scale)));
  }
  for (const double q : point.steps[0].elements) EXPECT_TRUE(q == -1.0 || q == 0.0 || q == 1.0) << q;
}

TEST(GridSearch, IsTheSameForAnyNumberOfThreads) {
  const GridSearch search = search_of({correlated_error(20, 60, 5), correlated_error(20, 60, 6)}, 7, false);
  const GridPoint one = search_grid(search, 1), three = search_grid(search, 3);
  EXPECT_EQ(one.scales, three.scales);
  for (size_t g = 0; g < 2; ++g) EXPECT_EQ(one.steps[g].elements, three.steps[g].elements);
}

TEST(GridSearch, HeldWeightsStayZeroAndTheOthersMakeUpForThem) {
  GridSearch search = search_of({correlated_error(6, 16, 9)}, 7, false);
  search.finalists = 2;
  search.restarts = 20;
  GroupMask held{16, std::vector<uint8_t>(6 * 16, 0)};
  Rng rng(4);
  for (uint8_t& is_held : held.held) is_held = static_cast<uint8_t>(rng.below(2));
  GridSearch cut = search;
  for (size_t i = 0; i < held.held.size(); ++i) {
    if (held.held[i] != 0) cut.groups[0].target.elements[i] = 0;
  }
  search.held = {held};
  const GridPoint point = search_grid(search, 2);
  for (size_t i = 0; i < held.held.size(); ++i) {
    if (held.held[i] != 0) {
      EXPECT_EQ(point.steps[0].elements[i], 0.0) << i;
    }
  }
  EXPECT_LT(error_of(search, point), 0.5 * error_of(search, nearest_point(cut)));
}

TEST(GridSearch, ATargetOfZerosStaysZeros) {
  GridSearch search = search_of({correlated_error(2, 4, 1)}, 7, false);
  std::fill(search.groups[0].target.elements.begin(), search.groups[0].target.elements.end(), 0.0);
  const GridPoint point = search_grid(search, 1);
  EXPECT_EQ(point.error, 0.0);
  EXPECT_EQ(point.scales, search.scales);
}

}  // namespace
}  // namespace tinyc::testing
