// From the real ratio of two grids to the integers that kernels multiply with; see src/rt/base.h for the formula.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tinyc/ops/code.h"

namespace tinyc {

// q = (hi32(acc * multiplier) + rounding) >> shift.
struct Requantization {
  std::vector<int32_t> multipliers;  // one per ratio
  int32_t rounding = 0;
  int32_t shift = 1;
};

inline constexpr double kMostRatio = 0.25;  // ratios are below this: shift is at least 1

// Divides the ratios by the smallest power of two, 2^result, that brings them all below kMostRatio.
int shift_below(std::span<double> ratios);

// One shift for all ratios, set by the largest. `ratios` are scale_acc / scale_result, positive and below kMostRatio.
Requantization requantize_by(std::span<const double> ratios, int32_t zero_point);

}  // namespace tinyc
