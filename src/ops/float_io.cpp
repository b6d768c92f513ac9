#include "ops/float_io.h"

#include <algorithm>
#include <limits>

#include "ops/element_types.h"

namespace tinyc {
namespace {

template <typename T>
T from_float(float value) {
  if constexpr (std::is_integral_v<T>) {
    constexpr auto kLow = std::numeric_limits<T>::min();
    constexpr auto kHigh = std::numeric_limits<T>::max();
    if (value >= static_cast<float>(kHigh)) return kHigh;
    if (!(value > static_cast<float>(kLow))) return value <= static_cast<float>(kLow) ? kLow : T{0};
  }
  return static_cast<T>(value);
}

}  // namespace

FloatInput::FloatInput(const Tensor& tensor) {
  if (tensor.dtype() == DataType::kFloat) {
    values_ = tensor.data<float>();
  } else {
    converted_ = tensor.to_float();
    values_ = converted_;
  }
}

FloatOutput::FloatOutput(Tensor& tensor) : tensor_(tensor) {
  if (tensor.dtype() == DataType::kFloat) {
    values_ = tensor.mutable_data<float>();
  } else {
    converted_.resize(static_cast<size_t>(tensor.size()));
    values_ = converted_;
  }
}

void FloatOutput::store() {
  if (tensor_.dtype() != DataType::kFloat) store_floats(values_, tensor_);
}

void store_floats(std::span<const float> values, Tensor& tensor) {
  if (tensor.dtype() == DataType::kFloat16 || tensor.dtype() == DataType::kBfloat16) {
    const auto narrow = tensor.dtype() == DataType::kFloat16 ? float_to_half : float_to_bfloat16;
    auto* out = reinterpret_cast<uint16_t*>(tensor.mutable_bytes());
    std::transform(values.begin(), values.end(), out, narrow);
    return;
  }
  visit_type(NumericTypes(), tensor.dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    std::transform(values.begin(), values.end(), tensor.mutable_data<T>().begin(), from_float<T>);
  });
}

}  // namespace tinyc
