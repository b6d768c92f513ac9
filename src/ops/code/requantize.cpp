#include "ops/code/requantize.h"

#include <algorithm>
#include <cmath>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

constexpr int kMostShift = 22;  // leaves |rounding| room below 2^30 for any zero point of 8 bits

int32_t multiplier_of(double ratio, int shift) {
  return static_cast<int32_t>(std::llround(std::ldexp(ratio, 32 + shift)));
}

}  // namespace

int shift_below(std::span<double> ratios) {
  const double most = *std::max_element(ratios.begin(), ratios.end());
  int shift = 0;
  while (std::ldexp(most, -shift) >= kMostRatio) ++shift;
  for (double& ratio : ratios) ratio = std::ldexp(ratio, -shift);
  return shift;
}

Requantization requantize_by(std::span<const double> ratios, int32_t zero_point) {
  const double most = *std::max_element(ratios.begin(), ratios.end());
  TINYC_CHECK(most > 0 && most < kMostRatio);
  Requantization result;
  result.shift = kMostShift;
  while (std::round(std::ldexp(most, 32 + result.shift)) >= 0x1p31) --result.shift;
  TINYC_CHECK(result.shift >= 1);
  for (const double ratio : ratios) result.multipliers.push_back(multiplier_of(ratio, result.shift));
  result.rounding = (1 << (result.shift - 1)) + zero_point * (1 << result.shift);
  return result;
}

}  // namespace tinyc
