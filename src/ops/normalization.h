// Rows brought to mean 0 and deviation 1: what the normalization ops share.
//
// Sums run in float64 over a fixed number of lanes, so that they are exact enough for long rows, fast, and the same
// for a row wherever it stands.
#pragma once

#include <array>
#include <span>

#include "tinyc/ops/op.h"

namespace tinyc {

// Sum of function(x) over a row.
template <typename Function>
double lane_sum(std::span<const float> row, Function function) {
  constexpr size_t kLanes = 8;
  std::array<double, kLanes> lanes{};
  size_t i = 0;
  for (; i + kLanes <= row.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += function(static_cast<double>(row[i + lane]));
  }
  for (; i < row.size(); ++i) lanes[i % kLanes] += function(static_cast<double>(row[i]));
  double sum = 0.0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

struct Moments {
  float mean;
  float inverse_deviation;  // 1 / sqrt(variance + epsilon)
};
Moments moments_of(std::span<const float> row, float epsilon);

// The elements of a scale or bias operand, repeated as broadcasting to `dims` says. Throws Error(kModel) when it does
// not broadcast to them.
std::vector<float> broadcast_floats(const Tensor& tensor, std::span<const int64_t> dims);

inline constexpr std::string_view kWhyNormalizationIsFloat =
    "normalizes by sums over its input, which is done in float";

}  // namespace tinyc
