// The arithmetic of linear quantization: the one place where floats are rounded to integers.
//
//   q = clamp(round_half_even(x / scale) + zero_point, q_min, q_max)        real = (q - zero_point) * scale
//
// On a grid with gaps (q_step above 1) the nearest of its points; of two, the one an even number of steps above q_min.
// x / scale is a float32 division, as ONNX QuantizeLinear does it. int32 storage (biases) is computed in double, since
// a float has no room for 32 bits.
#pragma once

#include <span>

#include "tinyc/ir/quant_info.h"

namespace tinyc {

// Index of the scale that element idx of a tensor with these dims uses; a plan is made once per tensor.
class ScaleIndex {
 public:
  ScaleIndex(const QParams& params, std::span<const int64_t> dims);
  size_t operator()(int64_t element) const {
    if (per_tensor_) return 0;
    const int64_t along = element / inner_ % axis_size_;
    if (block_ == 0) return static_cast<size_t>(along);
    const int64_t outer = element / (inner_ * axis_size_);
    return static_cast<size_t>((outer * blocks_ + along / block_) * inner_ + element % inner_);
  }
  // Neighbouring elements that surely share a scale, starting at any multiple of this.
  int64_t run() const { return per_tensor_ ? total_ : inner_; }

 private:
  bool per_tensor_ = true;
  int64_t inner_ = 1, axis_size_ = 1, block_ = 0, blocks_ = 1, total_ = 0;
};

// Float tensor to integers of params.storage (packed when sub-byte) and back.
Tensor quantize(const Tensor& real, const QParams& params);
Tensor dequantize(const Tensor& stored, const QParams& params);
// Rounds each element to the nearest point of the grid, staying in float: dequantize(quantize(x)), bit for bit.
void round_to_grid(std::span<float> values, std::span<const int64_t> dims, const QParams& params);

// Throws Error(kModel) when the params do not fit a value of these dims (axis, count of scales, non-positive scale,
// zero point outside the storage type).
void check_params(const QParams& params, std::span<const int64_t> dims);

}  // namespace tinyc
