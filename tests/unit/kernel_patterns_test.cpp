// Kernels keep their number of taps in few patterns, those that are worth most.
#include "tinyc/quant/kernel_patterns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tinyc/base/rng.h"

namespace tinyc {
namespace {

constexpr int64_t kTaps = 9;

PruneUnits single_weights(int64_t kernels) {
  PruneUnits units;
  for (int64_t c = 0; c < kernels * kTaps; ++c) units.columns.push_back(c);
  return units;
}

// Costs of all weights, in the order in which they go.
Ranking ranking_of(const std::vector<std::vector<double>>& rows) {
  Ranking ranking;
  for (size_t r = 0; r < rows.size(); ++r) {
    std::vector<Removal>& row = ranking.emplace_back();
    for (size_t u = 0; u < rows[r].size(); ++u) {
      row.push_back({rows[r][u], static_cast<int64_t>(r), static_cast<int64_t>(u)});
    }
    std::stable_sort(row.begin(), row.end(), [](const Removal& a, const Removal& b) { return a.cost < b.cost; });
  }
  return ranking;
}

std::vector<std::vector<double>> random_costs(size_t rows, size_t kernels, uint64_t seed) {
  Rng rng(seed);
  std::vector<std::vector<double>> costs(rows, std::vector<double>(kernels * kTaps));
  for (auto& row : costs) {
    for (double& cost : row) cost = rng.uniform(0.0, 1.0);
  }
  return costs;
}

std::vector<std::vector<int64_t>> patterns_of(const GroupMask& mask, size_t rows) {
  std::vector<std::vector<int64_t>> patterns;
  for (size_t r = 0; r < rows; ++r) {
    for (int64_t first = 0; first < mask.columns; first += kTaps) {
      std::vector<int64_t>& pattern = patterns.emplace_back();
      for (int64_t t = 0; t < kTaps; ++t) {
        if (!mask(static_cast<int64_t>(r), first + t)) pattern.push_back(t);
      }
    }
  }
  return patterns;
}

TEST(KernelPatterns, AreFewAndOfTheirSize) {
  const auto costs = random_costs(16, 12, 1);
  const std::vector<Ranking> rankings{ranking_of(costs), ranking_of(random_costs(16, 12, 2))};
  const std::vector<GroupMask> masks = hold_patterns(rankings, single_weights(12), kTaps, 4);
  ASSERT_EQ(masks.size(), 2U);
  std::set<std::vector<int64_t>> seen;
  for (const GroupMask& mask : masks) {
    for (const auto& pattern : patterns_of(mask, 16)) {
      EXPECT_EQ(pattern.size(), 4U);
      seen.insert(pattern);
    }
  }
  EXPECT_LE(seen.size(), kMostPatterns);
  EXPECT_GT(seen.size(), 1U);
}

TEST(KernelPatterns, WhereTheyAreEnoughEachKernelKeepsItsBest) {
  auto costs = random_costs(6, 4, 3);
  for (size_t r = 0; r < costs.size(); ++r) {
    for (size_t k = 0; k < 4; ++k) {
      for (const size_t tap : {r % 3, r % 3 + 3, size_t{8}}) costs[r][k * kTaps + tap] += 10.0;
    }
  }
  const std::vector<Ranking> rankings{ranking_of(costs)};
  const auto patterns = patterns_of(hold_patterns(rankings, single_weights(4), kTaps, 3)[0], 6);
  for (size_t i = 0; i < patterns.size(); ++i) {
    const auto r = static_cast<int64_t>(i / 4);
    EXPECT_EQ(patterns[i], (std::vector<int64_t>{r % 3, r % 3 + 3, 8}));
  }
}

// Better than eight patterns taken by lot.
TEST(KernelPatterns, KeepMoreThanOthers) {
  const auto costs = random_costs(32, 8, 5);
  const std::vector<Ranking> rankings{ranking_of(costs)};
  const auto patterns = patterns_of(hold_patterns(rankings, single_weights(8), kTaps, 4)[0], 32);
  const auto worth = [&](size_t kernel, const std::vector<int64_t>& pattern) {
    double sum = 0;
    for (const int64_t tap : pattern) sum += costs[kernel / 8][kernel % 8 * kTaps + static_cast<size_t>(tap)];
    return sum;
  };
  double kept = 0;
  for (size_t i = 0; i < patterns.size(); ++i) kept += worth(i, patterns[i]);
  Rng rng(9);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<std::vector<int64_t>> library;
    for (size_t p = 0; p < kMostPatterns; ++p) {
      std::vector<int64_t> taps{0, 1, 2, 3, 4, 5, 6, 7, 8};
      for (size_t i = taps.size(); i-- > 1;)
        std::swap(taps[i], taps[static_cast<size_t>(rng.uniform(0.0, 1.0) * static_cast<double>(i))]);
      library.push_back({taps.begin(), taps.begin() + 4});
    }
    double other = 0;
    for (size_t i = 0; i < patterns.size(); ++i) {
      double best = 0;
      for (const auto& pattern : library) best = std::max(best, worth(i, pattern));
      other += best;
    }
    EXPECT_GT(kept, other);
  }
}

}  // namespace
}  // namespace tinyc
