#include "tinyc/ir/data_type.h"

#include <array>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

enum class Kind : uint8_t { kOther, kSigned, kUnsigned, kFloating };
struct Row {
  std::string_view name;
  int bits;
  Kind kind;
};

// Indexed by the wire number.
constexpr std::array<Row, 27> kRows{{
    {"undefined", 0, Kind::kOther},      {"float32", 32, Kind::kFloating},  {"uint8", 8, Kind::kUnsigned},
    {"int8", 8, Kind::kSigned},          {"uint16", 16, Kind::kUnsigned},   {"int16", 16, Kind::kSigned},
    {"int32", 32, Kind::kSigned},        {"int64", 64, Kind::kSigned},      {"string", 0, Kind::kOther},
    {"bool", 8, Kind::kOther},           {"float16", 16, Kind::kFloating},  {"float64", 64, Kind::kFloating},
    {"uint32", 32, Kind::kUnsigned},     {"uint64", 64, Kind::kUnsigned},   {"complex64", 64, Kind::kOther},
    {"complex128", 128, Kind::kOther},   {"bfloat16", 16, Kind::kFloating}, {"float8e4m3fn", 8, Kind::kOther},
    {"float8e4m3fnuz", 8, Kind::kOther}, {"float8e5m2", 8, Kind::kOther},   {"float8e5m2fnuz", 8, Kind::kOther},
    {"uint4", 4, Kind::kUnsigned},       {"int4", 4, Kind::kSigned},        {"float4e2m1", 4, Kind::kOther},
    {"float8e8m0", 8, Kind::kOther},     {"uint2", 2, Kind::kUnsigned},     {"int2", 2, Kind::kSigned},
}};

const Row& row_of(DataType dtype) {
  static constexpr Row kUnknown{"unknown", 0, Kind::kOther};
  const auto idx = static_cast<size_t>(dtype);
  return idx < kRows.size() ? kRows[idx] : kUnknown;
}

}  // namespace

int bits_of(DataType dtype) {
  return row_of(dtype).bits;
}

bool is_integer(DataType dtype) {
  return row_of(dtype).kind == Kind::kSigned || row_of(dtype).kind == Kind::kUnsigned;
}

bool is_signed_integer(DataType dtype) {
  return row_of(dtype).kind == Kind::kSigned;
}

bool is_floating(DataType dtype) {
  return row_of(dtype).kind == Kind::kFloating;
}

std::string_view name_of(DataType dtype) {
  return row_of(dtype).name;
}

int64_t min_of(DataType dtype) {
  TINYC_CHECK(is_integer(dtype) && bits_of(dtype) <= 32);
  return is_signed_integer(dtype) ? -(int64_t{1} << (bits_of(dtype) - 1)) : 0;
}

int64_t max_of(DataType dtype) {
  TINYC_CHECK(is_integer(dtype) && bits_of(dtype) <= 32);
  return (int64_t{1} << (bits_of(dtype) - (is_signed_integer(dtype) ? 1 : 0))) - 1;
}

}  // namespace tinyc
