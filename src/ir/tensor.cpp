#include "tinyc/ir/tensor.h"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <new>

#include "ir/convert.h"

namespace tinyc {
namespace {

constexpr size_t kAlignment = 64;

template <typename T>
T load(const std::byte* data, int64_t idx) {
  T value;
  std::memcpy(&value, data + static_cast<size_t>(idx) * sizeof(T), sizeof(T));
  return value;
}

// Calls visit(value) for each element, with a value of the element's own C++ type (float for the 16-bit floats).
template <typename Visit>
void for_each_element(const Tensor& tensor, Visit visit) {
  const std::byte* data = tensor.bytes();
  const auto each = [&](auto read) {
    for (int64_t i = 0; i < tensor.size(); ++i) visit(read(i));
  };
  switch (tensor.dtype()) {
    case DataType::kFloat:
      return each([&](int64_t i) { return load<float>(data, i); });
    case DataType::kDouble:
      return each([&](int64_t i) { return load<double>(data, i); });
    case DataType::kFloat16:
      return each([&](int64_t i) { return half_to_float(load<uint16_t>(data, i)); });
    case DataType::kBfloat16:
      return each([&](int64_t i) { return bfloat16_to_float(load<uint16_t>(data, i)); });
    case DataType::kUint8:
      return each([&](int64_t i) { return load<uint8_t>(data, i); });
    case DataType::kInt8:
      return each([&](int64_t i) { return load<int8_t>(data, i); });
    case DataType::kUint16:
      return each([&](int64_t i) { return load<uint16_t>(data, i); });
    case DataType::kInt16:
      return each([&](int64_t i) { return load<int16_t>(data, i); });
    case DataType::kUint32:
      return each([&](int64_t i) { return load<uint32_t>(data, i); });
    case DataType::kInt32:
      return each([&](int64_t i) { return load<int32_t>(data, i); });
    case DataType::kUint64:
      return each([&](int64_t i) { return load<uint64_t>(data, i); });
    case DataType::kInt64:
      return each([&](int64_t i) { return load<int64_t>(data, i); });
    case DataType::kBool:
      return each([&](int64_t i) { return load<uint8_t>(data, i) != 0; });
    case DataType::kInt4:
    case DataType::kUint4:
    case DataType::kInt2:
    case DataType::kUint2:
      return each([&](int64_t i) { return load_packed(data, tensor.dtype(), i); });
    default:
      throw Error(ErrorKind::kModel,
                  "element type " + std::string(name_of(tensor.dtype())) + " has no numbers to read");
  }
}

}  // namespace

std::shared_ptr<std::byte> allocate_bytes(size_t bytes) {
  const size_t padded = (bytes / kAlignment + 2) * kAlignment;
  auto* memory = static_cast<std::byte*>(::operator new (padded, std::align_val_t{kAlignment}));
  std::memset(memory + bytes, 0, padded - bytes);
  return {memory, [](std::byte* owned) { ::operator delete (owned, std::align_val_t{kAlignment}); }};
}

Tensor::Tensor(DataType dtype, Dims dims, std::shared_ptr<const std::byte> data, size_t bytes)
    : dtype_(dtype), dims_(std::move(dims)), count_(element_count(dims_)), bytes_(bytes), data_(std::move(data)) {
  TINYC_CHECK(bits_of(dtype_) == 0 || bytes_ == static_cast<size_t>(byte_count(dtype_, dims_)));
}

Tensor Tensor::zeros(DataType dtype, Dims dims) {
  const auto bytes = static_cast<size_t>(byte_count(dtype, dims));
  auto data = allocate_bytes(bytes);
  std::memset(data.get(), 0, bytes);
  return {dtype, std::move(dims), std::move(data), bytes};
}

std::byte* Tensor::mutable_bytes() {
  return const_cast<std::byte*>(data_.get());
}

Tensor Tensor::reshaped(Dims dims) const {
  TINYC_CHECK(element_count(dims) == count_);
  Tensor copy = *this;
  copy.dims_ = std::move(dims);
  return copy;
}

Tensor Tensor::reinterpreted(DataType dtype) const {
  TINYC_CHECK(bits_of(dtype) == bits_of(dtype_));
  Tensor copy = *this;
  copy.dtype_ = dtype;
  return copy;
}

bool Tensor::same_bytes(const Tensor& other) const {
  return dtype_ == other.dtype_ && dims_ == other.dims_ && bytes_ == other.bytes_ &&
         (bytes_ == 0 || data_ == other.data_ || std::memcmp(data_.get(), other.data_.get(), bytes_) == 0);
}

std::vector<int64_t> Tensor::to_int64() const {
  std::vector<int64_t> values;
  values.reserve(static_cast<size_t>(count_));
  for_each_element(*this, [&](auto value) { values.push_back(convert<int64_t>(value)); });
  return values;
}

std::vector<float> Tensor::to_float() const {
  if (dtype_ == DataType::kFloat) return {data<float>().begin(), data<float>().end()};
  std::vector<float> values;
  values.reserve(static_cast<size_t>(count_));
  for_each_element(*this, [&](auto value) { values.push_back(static_cast<float>(value)); });
  return values;
}

int64_t load_packed(const std::byte* data, DataType dtype, int64_t idx) {
  const int bits = bits_of(dtype);
  const int64_t bit = idx * bits;
  const int raw = (std::to_integer<int>(data[bit / 8]) >> (bit % 8)) & ((1 << bits) - 1);
  return is_signed_integer(dtype) && raw >= (1 << (bits - 1)) ? raw - (1 << bits) : raw;
}

void store_packed(std::byte* data, DataType dtype, int64_t idx, int64_t value) {
  const int bits = bits_of(dtype);
  const int64_t bit = idx * bits;
  const int shift = static_cast<int>(bit % 8);
  const int mask = ((1 << bits) - 1) << shift;
  const int old = std::to_integer<int>(data[bit / 8]);
  data[bit / 8] = static_cast<std::byte>((old & ~mask) | ((static_cast<int>(value) << shift) & mask));
}

float half_to_float(uint16_t bits) {
  const uint32_t sign = (bits & 0x8000U) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1FU;
  const uint32_t mantissa = bits & 0x3FFU;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | (mantissa << 13));
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000U);
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return sign | 0x7E00U;   // NaN
  if (magnitude >= 0x477FF000U) return sign | 0x7C00U;  // rounds to infinity
  if (magnitude < 0x38800000U) {                        // subnormal half, or zero: units of 2^-24
    const float units = std::nearbyint(std::ldexp(std::bit_cast<float>(magnitude), 24));
    return sign | static_cast<uint16_t>(units);
  }
  const uint32_t rounded = magnitude + 0xFFFU + ((magnitude >> 13) & 1U);
  return sign | static_cast<uint16_t>((rounded - 0x38000000U) >> 13);
}

float bfloat16_to_float(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

uint16_t float_to_bfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<uint16_t>((bits >> 16) | 0x40U);
  return static_cast<uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

}  // namespace tinyc
