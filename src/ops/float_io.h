// Operands of float kernels. A kernel computes in float32; operands of the other float types are converted on the way
// in and on the way out, float32 operands are used where they lie.
#pragma once

#include <span>
#include <vector>

#include "tinyc/ops/op.h"

namespace tinyc {

class FloatInput {
 public:
  explicit FloatInput(const Tensor& tensor);
  FloatInput(const FloatInput&) = delete;
  FloatInput& operator=(const FloatInput&) = delete;
  std::span<const float> values() const { return values_; }
  const float* data() const { return values_.data(); }
  float operator[](int64_t idx) const { return values_[static_cast<size_t>(idx)]; }
  size_t size() const { return values_.size(); }

 private:
  std::vector<float> converted_;
  std::span<const float> values_;
};

// store() converts what was written; without it only a float32 tensor has the values.
class FloatOutput {
 public:
  explicit FloatOutput(Tensor& tensor);
  FloatOutput(const FloatOutput&) = delete;
  FloatOutput& operator=(const FloatOutput&) = delete;
  std::span<float> values() { return values_; }
  float* data() { return values_.data(); }
  float& operator[](int64_t idx) { return values_[static_cast<size_t>(idx)]; }
  size_t size() const { return values_.size(); }
  void store();

 private:
  Tensor& tensor_;
  std::vector<float> converted_;
  std::span<float> values_;
};

// Writes floats into a tensor of any type that holds numbers, rounding to nearest even for the narrower float types;
// for integers truncating, saturating, and 0 for NaN.
void store_floats(std::span<const float> values, Tensor& tensor);

}  // namespace tinyc
