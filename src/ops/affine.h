// Integer operands of the integer ops (QLinearConv, MatMulInteger, ...) and how their results become integers again.
//
//   real = (q - zero_point) * scale         q = clamp(round_half_even(accumulator * multiplier) + zero_point)
//
// The multiplier is a float32, scale_a * scale_b / scale_y, and the product is rounded in float32: this is what
// onnxruntime computes, so that models of its quantizer evaluate as they do there.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "ops/element_types.h"
#include "tinyc/ops/op.h"

namespace tinyc {

using QuantizedTypes = TypeList<int8_t, uint8_t, int16_t, uint16_t>;

// The only element of operand idx. Throws Error(kModel) unless there is exactly one.
float scale_operand(const EvalContext& context, int idx);
// The same for a zero point; 0 when the operand is left out.
int32_t zero_point_operand(const EvalContext& context, int idx);

// Elements of a scale operand that has one for all or one for each of `channels`; always as many as channels.
std::vector<float> channel_scales(const EvalContext& context, int idx, int64_t channels);

// Elements less their zero points. `zero_point` (undefined: 0) must broadcast to the dims of the operand.
std::vector<int32_t> centered(const Tensor& operand, const Tensor& zero_point);
// A zero point for each index along an axis, as dims that broadcast: [1, C, 1, 1] and the like. One for all as it is.
Tensor along_axis(const Tensor& zero_point, int axis, int rank);

// Clamps before rounding, which is the same, as the limits are integers, and safe for any float.
template <typename T>
T quantize_one(float steps, int32_t zero_point) {
  const auto low = static_cast<float>(std::numeric_limits<T>::min() - zero_point);
  const auto high = static_cast<float>(std::numeric_limits<T>::max() - zero_point);
  return static_cast<T>(static_cast<int32_t>(std::nearbyint(std::fmin(std::fmax(steps, low), high))) + zero_point);
}

// Accumulators to elements [first, first + accumulators.size()) of y, all with one multiplier.
void requantize(std::span<const int32_t> accumulators, float multiplier, int32_t zero_point, Tensor& y, int64_t first);

// a * b + c modulo 2^32: integers of a model file may overflow, but not undefinedly.
inline int32_t wrapping_multiply_add(int32_t a, int32_t b, int32_t c) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b) + static_cast<uint32_t>(c));
}

inline constexpr QuantTraits kInteger{.kind = QuantKind::kFloat, .why_float = "it computes in integers already"};

}  // namespace tinyc
