#include "ops/float8.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

struct Format {
  int mantissa_bits;
  int bias;
  uint8_t largest;  // bits of the largest finite number
  uint8_t nan;
  bool has_infinity;    // at the bits behind the largest number
  bool nan_keeps_sign;  // false: there is one NaN, at the bits of negative zero
};

const Format& format_of(DataType dtype) {
  static constexpr Format kE4M3FN{3, 7, 0x7E, 0x7F, false, true};
  static constexpr Format kE4M3FNUZ{3, 8, 0x7F, 0x80, false, false};
  static constexpr Format kE5M2{2, 15, 0x7B, 0x7F, true, true};
  static constexpr Format kE5M2FNUZ{2, 16, 0x7F, 0x80, false, false};
  TINYC_CHECK(is_float8(dtype));
  switch (dtype) {
    case DataType::kFloat8E4M3FN:
      return kE4M3FN;
    case DataType::kFloat8E4M3FNUZ:
      return kE4M3FNUZ;
    case DataType::kFloat8E5M2:
      return kE5M2;
    default:
      return kE5M2FNUZ;
  }
}

// The number that seven bits without sign stand for.
float magnitude_of(uint8_t bits, const Format& format) {
  const int exponent = bits >> format.mantissa_bits;
  const int mantissa = bits & ((1 << format.mantissa_bits) - 1);
  const int hidden = exponent == 0 ? 0 : 1 << format.mantissa_bits;
  return std::ldexp(static_cast<float>(mantissa + hidden),
                    (exponent == 0 ? 1 : exponent) - format.bias - format.mantissa_bits);
}

}  // namespace

bool is_float8(DataType dtype) {
  return dtype == DataType::kFloat8E4M3FN || dtype == DataType::kFloat8E4M3FNUZ || dtype == DataType::kFloat8E5M2 ||
         dtype == DataType::kFloat8E5M2FNUZ;
}

float float8_to_float(uint8_t bits, DataType dtype) {
  const Format& format = format_of(dtype);
  const auto magnitude = static_cast<uint8_t>(bits & 0x7FU);
  const float sign = (bits & 0x80U) != 0 ? -1.0F : 1.0F;
  if (!format.nan_keeps_sign && bits == format.nan) return std::numeric_limits<float>::quiet_NaN();
  if (magnitude <= format.largest) return sign * magnitude_of(magnitude, format);
  if (format.has_infinity && magnitude == format.largest + 1) return sign * std::numeric_limits<float>::infinity();
  return std::numeric_limits<float>::quiet_NaN();
}

uint8_t float_to_float8(float value, DataType dtype, bool saturate) {
  const Format& format = format_of(dtype);
  const auto sign = static_cast<uint8_t>(std::signbit(value) ? 0x80 : 0);
  if (std::isnan(value)) return format.nan_keeps_sign ? sign | format.nan : format.nan;
  const float magnitude = std::abs(value);
  const int lowest_exponent = 1 - format.bias;
  int exponent = lowest_exponent;
  if (std::isfinite(value) && magnitude > 0.0F) exponent = std::max(std::ilogb(magnitude), lowest_exponent);
  // In steps of the last mantissa bit, the bits of a number are its steps above the bits of its power of two.
  const float steps = std::nearbyint(std::ldexp(magnitude, format.mantissa_bits - exponent));
  const float bits = steps + std::ldexp(static_cast<float>(exponent - lowest_exponent), format.mantissa_bits);
  if (bits > static_cast<float>(format.largest)) {
    if (saturate) return sign | format.largest;
    if (format.has_infinity) return sign | static_cast<uint8_t>(format.largest + 1);
    return format.nan_keeps_sign ? sign | format.nan : format.nan;
  }
  const auto rounded = static_cast<uint8_t>(bits);
  return rounded == 0 && !format.nan_keeps_sign ? uint8_t{0} : static_cast<uint8_t>(sign | rounded);
}

}  // namespace tinyc
