// Element types. The numbers are those of ONNX's TensorProto.DataType on the wire, so types that the installed protobuf
// schema does not name yet (int4, float8, ...) pass through unharmed.
#pragma once

#include <cstdint>
#include <string_view>

namespace tinyc {

enum class DataType : int32_t {
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kComplex64 = 14,
  kComplex128 = 15,
  kBfloat16 = 16,
  kFloat8E4M3FN = 17,
  kFloat8E4M3FNUZ = 18,
  kFloat8E5M2 = 19,
  kFloat8E5M2FNUZ = 20,
  kUint4 = 21,
  kInt4 = 22,
  kFloat4E2M1 = 23,
  kFloat8E8M0 = 24,
  kUint2 = 25,
  kInt2 = 26,
};

// Bits of one element; 0 for kUndefined, kString and numbers that this list does not know.
int bits_of(DataType dtype);
bool is_integer(DataType dtype);  // any width, signed or not; not bool
bool is_signed_integer(DataType dtype);
bool is_floating(DataType dtype);  // float16, bfloat16, float, double
// "float32", "int8", "int4", ...; "unknown" for a number not in this list.
std::string_view name_of(DataType dtype);

// Smallest and largest integer that an integer type (up to 32 bits) holds, e.g. -128 and 127.
int64_t min_of(DataType dtype);
int64_t max_of(DataType dtype);

template <typename T>
constexpr DataType data_type_of() = delete;
template <>
constexpr DataType data_type_of<float>() {
  return DataType::kFloat;
}
template <>
constexpr DataType data_type_of<double>() {
  return DataType::kDouble;
}
template <>
constexpr DataType data_type_of<uint8_t>() {
  return DataType::kUint8;
}
template <>
constexpr DataType data_type_of<int8_t>() {
  return DataType::kInt8;
}
template <>
constexpr DataType data_type_of<uint16_t>() {
  return DataType::kUint16;
}
template <>
constexpr DataType data_type_of<int16_t>() {
  return DataType::kInt16;
}
template <>
constexpr DataType data_type_of<uint32_t>() {
  return DataType::kUint32;
}
template <>
constexpr DataType data_type_of<int32_t>() {
  return DataType::kInt32;
}
template <>
constexpr DataType data_type_of<uint64_t>() {
  return DataType::kUint64;
}
template <>
constexpr DataType data_type_of<int64_t>() {
  return DataType::kInt64;
}
template <>
constexpr DataType data_type_of<bool>() {
  return DataType::kBool;
}

}  // namespace tinyc
