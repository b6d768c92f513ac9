// The elements of a sample, from the type of the file to the type of the input.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "quant/data/binding.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

// Copies elements, each checked to be one that To holds.
template <typename To>
void copy_integers(const std::vector<int64_t>& values, std::byte* out) {
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t value = values[i];
    const bool in_range =
        std::is_same_v<To, uint64_t> ? value >= 0 : static_cast<int64_t>(static_cast<To>(value)) == value;
    if (!in_range) throw Error(ErrorKind::kUsage, "element " + std::to_string(value) + " is out of the input's range");
    const To element = static_cast<To>(value);
    std::memcpy(out + i * sizeof(To), &element, sizeof(To));
  }
}

void store_integers(const Tensor& raw, Tensor& result) {
  if (raw.dtype() == result.dtype()) {
    std::memcpy(result.mutable_bytes(), raw.bytes(), raw.byte_size());
    return;
  }
  const std::vector<int64_t> values = raw.to_int64();
  std::byte* const out = result.mutable_bytes();
  switch (result.dtype()) {
    case DataType::kUint8:
      return copy_integers<uint8_t>(values, out);
    case DataType::kInt8:
      return copy_integers<int8_t>(values, out);
    case DataType::kUint16:
      return copy_integers<uint16_t>(values, out);
    case DataType::kInt16:
      return copy_integers<int16_t>(values, out);
    case DataType::kUint32:
      return copy_integers<uint32_t>(values, out);
    case DataType::kInt32:
      return copy_integers<int32_t>(values, out);
    case DataType::kUint64:
      return copy_integers<uint64_t>(values, out);
    case DataType::kInt64:
      return copy_integers<int64_t>(values, out);
    case DataType::kBool:
      return copy_integers<bool>(values, out);
    default:
      TINYC_CHECK(false);
  }
}

void store_floats(std::span<const float> values, Tensor& result) {
  if (result.dtype() == DataType::kFloat) {
    std::copy(values.begin(), values.end(), result.mutable_data<float>().begin());
  } else if (result.dtype() == DataType::kDouble) {
    std::copy(values.begin(), values.end(), result.mutable_data<double>().begin());
  } else {
    TINYC_CHECK(result.dtype() == DataType::kFloat16);
    std::byte* const out = result.mutable_bytes();
    for (size_t i = 0; i < values.size(); ++i) {
      const uint16_t half = float_to_half(values[i]);
      std::memcpy(out + 2 * i, &half, sizeof(half));
    }
  }
}

void check_finite(std::span<const float> values) {
  const auto odd = std::find_if(values.begin(), values.end(), [](float x) { return !std::isfinite(x); });
  if (odd == values.end()) return;
  throw Error(ErrorKind::kUsage,
              "element " + std::to_string(odd - values.begin()) + " is " + (std::isnan(*odd) ? "NaN" : "infinite"),
              "clean the data first");
}

}  // namespace

Tensor convert_sample(const InputBinding& binding, const Tensor& raw, const Dims& fitted,
                      const Preprocess& preprocess) {
  Tensor result = Tensor::zeros(binding.input.type.dtype, fitted);
  if (!is_floating(result.dtype())) {
    store_integers(raw, result);
    return result;
  }
  std::vector<float> values = raw.to_float();
  if (binding.prepared) values = prepare(std::move(values), raw.dims(), preprocess, binding.order);
  TINYC_CHECK(static_cast<int64_t>(values.size()) == result.size());
  check_finite(values);
  store_floats(values, result);
  return result;
}

}  // namespace tinyc
