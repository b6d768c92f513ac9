// Criteria of pruning against what removing weights really costs; units and quotas; what users write.
#include "tinyc/quant/pruning.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numeric>

#include "tinyc/base/error.h"
#include "tinyc/quant/mask_swaps.h"
#include "tinyc/quant/prune_spec.h"
#include "unit/random_error.h"

namespace tinyc::testing {
namespace {

double least_error(const OutputError& error, const PruneUnits& units, std::span<const Removal> removals, int64_t row) {
  return row_error(error, row, best_with_zeros(error, mask_of(error, units, removals), 1).row(row));
}

PruneUnits units_of(int64_t columns, int64_t size) {
  PruneUnits units;
  units.size = size;
  units.columns.resize(static_cast<size_t>(columns / size * size));
  std::iota(units.columns.begin(), units.columns.end(), 0);
  return units;
}

TEST(Pruning, ObsKnowsWhatEveryRemovalCosts) {
  for (const int64_t size : {1, 3, 12}) {
    const OutputError error = correlated_error(2, 12, 5);
    const PruneUnits units = units_of(12, size);
    const Ranking ranking = require_criterion("obs").rank({error, units});
    for (int64_t row = 0; row < 2; ++row) {
      const std::vector<Removal>& order = ranking[static_cast<size_t>(row)];
      ASSERT_EQ(order.size(), static_cast<size_t>(units.count()));
      double before = 0, highest = 0;
      for (size_t n = 1; n <= order.size(); ++n) {
        const double after = least_error(error, units, std::span(order).first(n), row);
        highest = std::max(highest, (after - before) / static_cast<double>(size));
        EXPECT_NEAR(order[n - 1].cost, highest, 1e-9);
        before = after;
      }
    }
  }
}

TEST(Pruning, ObsTakesTheCheapestUnitFirst) {
  const OutputError error = correlated_error(3, 10, 6);
  const PruneUnits units = units_of(10, 2);
  const Ranking ranking = require_criterion("obs").rank({error, units});
  for (int64_t row = 0; row < 3; ++row) {
    const Removal& first = ranking[static_cast<size_t>(row)].front();
    for (int64_t unit = 0; unit < units.count(); ++unit) {
      const Removal other{0, row, unit};
      EXPECT_GE(least_error(error, units, std::span(&other, 1), row),
                least_error(error, units, std::span(&first, 1), row) - 1e-12);
    }
  }
}

double error_after(std::string_view criterion, const OutputError& error, const PruneUnits& units, int64_t weights) {
  const std::vector<Ranking> rankings{require_criterion(criterion).rank({error, units, 3})};
  const auto removals = cheapest(rankings, units.size, weights);
  const Matrix best = best_with_zeros(error, mask_of(error, units, removals[0]), 1);
  return error_of(error, best);
}

TEST(Pruning, WhatKnowsMoreOfTheDataLosesLess) {
  for (const int64_t size : {1, 2}) {
    const OutputError error = correlated_error(8, 32, 7);
    const PruneUnits units = units_of(32, size);
    const double obs = error_after("obs", error, units, 128);
    const double activation = error_after("activation", error, units, 128);
    const double magnitude = error_after("l2", error, units, 128);
    const double random = error_after("random", error, units, 128);
    EXPECT_LT(obs, 0.8 * activation);
    EXPECT_LT(activation, magnitude);
    EXPECT_LT(magnitude, random);
  }
}

TEST(Pruning, AQuotaIsKeptInEveryRun) {
  const OutputError error = correlated_error(4, 14, 8);
  for (const CriterionDef* criterion : all_criteria()) {
    PruneUnits units = units_of(14, 1);
    units.of = 4;
    units.kept = 1;
    const std::vector<Ranking> rankings{criterion->rank({error, units})};
    const auto removals = cheapest(rankings, 1, 4 * 14);
    const GroupMask mask = mask_of(error, units, removals[0]);
    for (int64_t row = 0; row < 4; ++row) {
      for (int64_t first = 0; first < 14; first += 4) {
        int64_t free = 0;
        for (int64_t c = first; c < std::min<int64_t>(first + 4, 14); ++c) free += mask(row, c) ? 0 : 1;
        EXPECT_EQ(free, 1) << criterion->name;
      }
    }
  }
}

// The least error of a row of 8 columns of which 2 of each 4 neighbours stay.
double least_of_two_in_four(const OutputError& error, int64_t row) {
  double best = HUGE_VAL;
  for (uint32_t bits = 0; bits < 256; ++bits) {
    if (std::popcount(bits & 15U) != 2 || std::popcount(bits >> 4U) != 2) continue;
    GroupMask mask{8, std::vector<uint8_t>(static_cast<size_t>(8 * error.target.rows), 0)};
    for (size_t c = 0; c < 8; ++c) mask.held[static_cast<size_t>(row) * 8 + c] = static_cast<uint8_t>(bits >> c & 1U);
    best = std::min(best, row_error(error, row, best_with_zeros(error, mask, 1).row(row)));
  }
  return best;
}

TEST(Pruning, SwapsKeepTheQuotaAndOftenFindTheBest) {
  int best = 0, gained = 0, rows = 0;
  for (uint64_t seed = 20; seed < 30; ++seed) {
    const OutputError error = correlated_error(6, 8, seed);
    PruneUnits units = units_of(8, 1);
    units.of = 4;
    units.kept = 2;
    const std::vector<Ranking> rankings{require_criterion("obs").rank({error, units})};
    const GroupMask first = mask_of(error, units, cheapest(rankings, 1, 48)[0]);
    const GroupMask swapped = swap_held(error, units, first, 2);
    for (int64_t row = 0; row < 6; ++row, ++rows) {
      for (int64_t run = 0; run < 8; run += 4) {
        int held = 0;
        for (int64_t c = run; c < run + 4; ++c) held += swapped(row, c) ? 1 : 0;
        EXPECT_EQ(held, 2);
      }
      const double before = row_error(error, row, best_with_zeros(error, first, 1).row(row));
      const double after = row_error(error, row, best_with_zeros(error, swapped, 1).row(row));
      EXPECT_LE(after, before * (1 + 1e-9));
      gained += after < before * (1 - 1e-9) ? 1 : 0;
      best += after <= least_of_two_in_four(error, row) * (1 + 1e-9) ? 1 : 0;
    }
  }
  EXPECT_GT(gained, rows / 20);
  EXPECT_GT(best, rows * 3 / 4);
}

TEST(Pruning, WithoutAQuotaNothingIsSwapped) {
  const OutputError error = correlated_error(2, 8, 3);
  const PruneUnits units = units_of(8, 1);
  GroupMask mask{8, std::vector<uint8_t>(16, 0)};
  mask.held[3] = 1;
  EXPECT_EQ(swap_held(error, units, mask, 1).held, mask.held);
}

TEST(Pruning, RankingsAreTheSameForAnyNumberOfThreads) {
  const OutputError error = correlated_error(9, 20, 9);
  const PruneUnits units = units_of(20, 1);
  for (const CriterionDef* criterion : all_criteria()) {
    const Ranking one = criterion->rank({error, units, 1, 1}), three = criterion->rank({error, units, 1, 3});
    for (size_t r = 0; r < one.size(); ++r) {
      for (size_t i = 0; i < one[r].size(); ++i) {
        EXPECT_EQ(one[r][i].cost, three[r][i].cost);
        EXPECT_EQ(one[r][i].unit, three[r][i].unit);
      }
    }
  }
}

// Inputs of a form of two columns: the second is 0 three times out of four and takes two values.
LinearForm sparse_form() {
  LinearForm form;
  form.rows = 1;
  form.columns = 2;
  form.positions = 400;
  form.gather = [](int64_t /*group*/, int64_t first, int64_t count, float* out, int64_t stride) {
    for (int64_t p = first; p < first + count; ++p, out += stride) {
      out[0] = static_cast<float>(p % 7) + 1.0F;
      out[1] = p % 4 == 0 ? 1.0F : 0.0F;
    }
  };
  return form;
}

TEST(Pruning, ActivityCriteriaTakeWhatSaysLittle) {
  OutputError error = correlated_error(1, 2, 3);
  error.target.elements = {0.5, 1.0};
  const PruneUnits units = units_of(2, 1);
  const std::vector<LinearForm> samples{sparse_form()};
  for (const char* criterion : {"apoz", "entropy"}) {
    const Ranking ranking = require_criterion(criterion).rank({error, units, 0, 1, 0, samples});
    EXPECT_EQ(ranking[0][0].unit, 1) << criterion;
  }
  EXPECT_EQ(require_criterion("l1").rank({error, units})[0][0].unit, 0);
}

TEST(Pruning, BatchNormalizationRanksRows) {
  OutputError error = correlated_error(2, 3, 4);
  PruneUnits rows = units_of(3, 3);
  const std::vector<double> scales{0.2, 0.7};
  PruneInput input{error, rows};
  input.row_scales = scales;
  const Ranking ranking = require_criterion("batchnorm").rank(input);
  EXPECT_NEAR(ranking[0][0].cost, 0.2, 1e-12);
  EXPECT_NEAR(ranking[1][0].cost, 0.7, 1e-12);
}

TEST(Pruning, TheCheapestOfAllGroupsGo) {
  const std::vector<Ranking> rankings{{{{1, 0, 4}, {5, 0, 2}}, {{2, 1, 0}}}, {{{0.5, 0, 3}, {3, 0, 1}}}};
  const auto removals = cheapest(rankings, 2, 6);
  ASSERT_EQ(removals[0].size(), 2U);
  EXPECT_EQ(removals[0][0].unit, 4);
  EXPECT_EQ(removals[0][1].row, 1);
  ASSERT_EQ(removals[1].size(), 1U);
  EXPECT_EQ(cheapest(rankings, 2, 1000)[0].size(), 3U) << "no more than there are";
}

// 3 inputs, 2 taps; in the weights the taps of an input are neighbours.
LinearForm small_form() {
  LinearForm form;
  form.rows = 2;
  form.columns = 6;
  form.row_stride = 6;
  for (int64_t c = 0; c < 6; ++c) form.column_offsets.push_back(c);
  return form;
}

TEST(PruneUnits, NeighboursAreInputsOfATap) {
  const PruneUnits units = prune_units(parse_prune_spec("vectors:2:0.5"), small_form(), 2);
  EXPECT_EQ(units.columns, (std::vector<int64_t>{0, 2, 4, 1, 3, 5}));
  EXPECT_EQ(units.count(), 3);
  EXPECT_EQ(prune_units(parse_prune_spec("vectors:4:0.5"), small_form(), 2).count(), 1) << "the rest stays";
}

TEST(PruneUnits, KernelsAndRowsAreUnits) {
  const PruneUnits kernels = prune_units(parse_prune_spec("kernels:0.5"), small_form(), 2);
  EXPECT_EQ(kernels.columns, (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(kernels.size, 2);
  EXPECT_EQ(prune_units(parse_prune_spec("rows:0.5"), small_form(), 2).size, 6);
}

TEST(PruneSpec, IsReadAsWritten) {
  EXPECT_EQ(parse_prune_spec("0.8").share, 0.8);
  EXPECT_EQ(parse_prune_spec("weights:0.8").share, 0.8);
  EXPECT_EQ(parse_prune_spec("2:4").kept, 2);
  EXPECT_EQ(parse_prune_spec("1:4").share, 0.75);
  EXPECT_EQ(parse_prune_spec("vectors:8:0.25").vector, 8);
  EXPECT_EQ(parse_prune_spec("patterns:4").kept, 4);
  EXPECT_EQ(parse_prune_spec("patterns:4").of, 0);
  for (const char* text : {"", "1.5", "0", "nan", "0.5x", "4:2", "0:4", "2:4:0.5", "2:1000", "kernels", "kernels:2",
                           "vectors:0.5", "vectors:0:0.5", "vectors:4:", "patterns:0", "patterns:0.5", "chanels:0.5"}) {
    EXPECT_THROW(parse_prune_spec(text), Error) << text;
  }
}

}  // namespace
}  // namespace tinyc::testing
