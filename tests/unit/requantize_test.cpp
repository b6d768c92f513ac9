#include "ops/code/requantize.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tinyc/base/rng.h"

namespace tinyc {
namespace {

int32_t apply(const Requantization& r, size_t channel, int32_t acc) {
  const int64_t product = static_cast<int64_t>(acc) * r.multipliers[channel];
  return static_cast<int32_t>((product >> 32) + r.rounding) >> r.shift;
}

TEST(Requantize, IsTheRatioRoundedHalfUp) {
  Rng rng(7);
  for (int i = 0; i < 2000; ++i) {
    const double largest = std::exp2(rng.uniform(-14.0, -2.01));
    const double ratios[] = {largest, largest * rng.uniform(0.05, 1.0)};
    const auto zero_point = static_cast<int32_t>(rng.below(256)) - 128;
    const Requantization r = requantize_by(ratios, zero_point);
    EXPECT_GE(r.shift, 1);
    for (size_t channel = 0; channel < 2; ++channel) {
      const double reach = 255.0 / ratios[channel];
      const auto acc = static_cast<int32_t>(rng.uniform(-reach, reach));
      const double exact = acc * ratios[channel] + zero_point;
      // A multiplier holds a ratio to 2^-31 of the largest, and rounding moves by at most half a step.
      EXPECT_LE(std::abs(apply(r, channel, acc) - exact), 0.5 + 1e-4);
    }
  }
}

TEST(Requantize, HalvesGoUp) {
  const double ratios[] = {0.125};
  const Requantization r = requantize_by(ratios, 3);
  EXPECT_EQ(apply(r, 0, 4), 4);   // 3 + 0.5
  EXPECT_EQ(apply(r, 0, -4), 3);  // 3 - 0.5
  EXPECT_EQ(apply(r, 0, 12), 5);  // 3 + 1.5
}

TEST(Requantize, UsesAllBitsOfTheLargestRatio) {
  for (const double ratio : {0.2499999, 0.1, 0.01, 0.001}) {
    const double ratios[] = {ratio};
    EXPECT_GE(requantize_by(ratios, 0).multipliers[0], 1 << 30) << ratio;
  }
}

}  // namespace
}  // namespace tinyc
