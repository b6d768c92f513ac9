// Learned rounding against the loss that it is to make small, computed the long way.
#include "tinyc/quant/adaptive_rounding.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tinyc/base/rng.h"

namespace tinyc {
namespace {

constexpr int64_t kGroups = 2, kRows = 5, kColumns = 12, kPositions = 700;
constexpr int32_t kMost = 3;
constexpr ClampLimits kRelu{.low = 0.0F};

// Correlated, not negative.
LinearForm random_form(uint64_t seed) {
  LinearForm form;
  form.groups = kGroups;
  form.rows = kRows;
  form.columns = kColumns;
  form.positions = kPositions;
  Rng rng(seed);
  std::vector<float> data;
  for (int64_t p = 0; p < kGroups * kPositions; ++p) {
    const double common = rng.uniform();
    for (int64_t c = 0; c < kColumns; ++c) data.push_back(static_cast<float>(std::max(common + rng.normal(), 0.0)));
  }
  form.gather = [data](int64_t group, int64_t first, int64_t count, float* out, int64_t stride) {
    for (int64_t p = first; p < first + count; ++p, out += stride) {
      std::copy_n(data.begin() + (group * kPositions + p) * kColumns, kColumns, out);
    }
  };
  return form;
}

// Targets rounded to the nearest integers; outputs are mostly below 0.
AdaptiveRounding problem(const LinearForm& form) {
  AdaptiveRounding given;
  given.samples = {&form};
  given.q_min = -kMost;
  given.q_max = kMost;
  given.limits = kRelu;
  given.iterations = 400;
  Rng rng(5);
  for (int64_t g = 0; g < kGroups; ++g) {
    Matrix& target = given.targets.emplace_back(kRows, kColumns);
    Matrix& unit = given.units.emplace_back(kRows, kColumns);
    Matrix& steps = given.steps.emplace_back(kRows, kColumns);
    for (size_t i = 0; i < target.elements.size(); ++i) {
      target.elements[i] = rng.uniform(-1.0, 1.0);
      unit.elements[i] = 1.0 / kMost;
      steps.elements[i] = std::nearbyint(target.elements[i] * kMost);
    }
    given.target_bias.emplace_back(kRows, -1.5);
    given.bias.emplace_back(kRows, -1.5);
  }
  return given;
}

double sum_at(const std::vector<float>& x, const Matrix& weights, int64_t row, double bias) {
  for (int64_t c = 0; c < kColumns; ++c) bias += weights(row, c) * static_cast<double>(x[static_cast<size_t>(c)]);
  return bias;
}

double loss(const AdaptiveRounding& given, const std::vector<Matrix>& steps,
            const std::vector<std::vector<double>>& bias) {
  double sum = 0;
  std::vector<float> x(kColumns);
  for (size_t g = 0; g < kGroups; ++g) {
    Matrix weights = steps[g];
    for (size_t i = 0; i < weights.elements.size(); ++i) weights.elements[i] *= given.units[g].elements[i];
    for (int64_t p = 0; p < kPositions; ++p) {
      given.samples[0]->gather(static_cast<int64_t>(g), p, 1, x.data(), kColumns);
      for (int64_t r = 0; r < kRows; ++r) {
        const auto row = static_cast<size_t>(r);
        const auto is = static_cast<float>(sum_at(x, weights, r, bias[g][row]));
        const auto wanted = static_cast<float>(sum_at(x, given.targets[g], r, given.target_bias[g][row]));
        sum += std::pow(static_cast<double>(given.limits(is) - given.limits(wanted)), 2);
      }
    }
  }
  return sum;
}

double loss(const AdaptiveRounding& given, const AdaptedRounding& found) {
  return loss(given, found.steps, found.bias);
}

TEST(AdaptiveRounding, LowersTheLossBehindTheClamp) {
  const LinearForm form = random_form(1);
  const AdaptiveRounding given = problem(form);
  EXPECT_LT(loss(given, adapt_rounding(given, 2)), 0.6 * loss(given, given.steps, given.bias));
}

TEST(AdaptiveRounding, WhatIsCutOffCostsNothing) {
  const LinearForm form = random_form(2);
  const AdaptiveRounding clamped = problem(form);
  AdaptiveRounding open = clamped;
  open.limits = {};
  EXPECT_LT(loss(clamped, adapt_rounding(clamped, 2)), 0.9 * loss(clamped, adapt_rounding(open, 2)));
}

TEST(AdaptiveRounding, IntegersStayNextToTheFirstOnesAndInRange) {
  const LinearForm form = random_form(3);
  const AdaptiveRounding given = problem(form);
  const AdaptedRounding found = adapt_rounding(given, 2);
  int moved = 0;
  for (size_t g = 0; g < kGroups; ++g) {
    for (size_t i = 0; i < found.steps[g].elements.size(); ++i) {
      const double q = found.steps[g].elements[i], before = given.steps[g].elements[i];
      EXPECT_EQ(q, std::nearbyint(q));
      EXPECT_LE(std::abs(q), kMost);
      EXPECT_LE(std::abs(q - before), 1);
      moved += q == before ? 0 : 1;
    }
  }
  EXPECT_GT(moved, 0);
}

TEST(AdaptiveRounding, AGridOfTwoPointsKeepsThem) {
  const LinearForm form = random_form(4);
  AdaptiveRounding given = problem(form);
  given.q_min = -1;
  given.q_max = 1;
  given.q_step = 2;
  for (Matrix& steps : given.steps) {
    for (double& q : steps.elements) q = q < 0 ? -1 : 1;
  }
  const AdaptedRounding found = adapt_rounding(given, 2);
  for (size_t g = 0; g < kGroups; ++g) {
    for (const double q : found.steps[g].elements) EXPECT_EQ(std::abs(q), 1);
    EXPECT_NE(found.steps[g].elements, given.steps[g].elements);
  }
  EXPECT_LT(loss(given, found), loss(given, given.steps, given.bias));
}

TEST(AdaptiveRounding, HeldWeightsStayZero) {
  const LinearForm form = random_form(5);
  AdaptiveRounding given = problem(form);
  for (Matrix& steps : given.steps) {
    GroupMask& held = given.held.emplace_back(GroupMask{kColumns, {}});
    for (size_t i = 0; i < steps.elements.size(); ++i) {
      held.held.push_back(i % 2 == 0 ? 1 : 0);
      if (i % 2 == 0) steps.elements[i] = 0;
    }
  }
  const AdaptedRounding found = adapt_rounding(given, 1);
  for (const Matrix& steps : found.steps) {
    for (size_t i = 0; i < steps.elements.size(); i += 2) EXPECT_EQ(steps.elements[i], 0.0);
  }
  EXPECT_LT(loss(given, found), loss(given, given.steps, given.bias));
}

TEST(AdaptiveRounding, AFixedBiasStays) {
  const LinearForm form = random_form(6);
  AdaptiveRounding given = problem(form);
  given.free_bias = false;
  const AdaptedRounding found = adapt_rounding(given, 2);
  EXPECT_EQ(found.bias, given.bias);
  EXPECT_LT(loss(given, found), loss(given, given.steps, given.bias));
}

TEST(AdaptiveRounding, IsTheSameForAnyNumberOfThreadsAndFollowsTheSeed) {
  const LinearForm form = random_form(7);
  AdaptiveRounding given = problem(form);
  const AdaptedRounding one = adapt_rounding(given, 1), three = adapt_rounding(given, 3);
  EXPECT_EQ(one.bias, three.bias);
  for (size_t g = 0; g < kGroups; ++g) EXPECT_EQ(one.steps[g].elements, three.steps[g].elements);
  given.seed = 8;
  EXPECT_NE(one.bias, adapt_rounding(given, 1).bias);
}

}  // namespace
}  // namespace tinyc
