// The 8-bit float types of ONNX, converted to and from float32.
//
// E4M3FN has no infinity and one NaN per sign; the FNUZ types have one NaN (0x80) and no negative zero; E5M2 follows
// IEEE 754. Source: P. Micikevicius et al., FP8 Formats for Deep Learning, 2022, and the ONNX note "Float stored in
// 8 bits".
#pragma once

#include <cstdint>

#include "tinyc/ir/data_type.h"

namespace tinyc {

bool is_float8(DataType dtype);  // the four types of 4 or 5 exponent bits
float float8_to_float(uint8_t bits, DataType dtype);
// Rounds to nearest, ties to even. What is too large becomes the largest number if `saturate`, else infinity or NaN.
uint8_t float_to_float8(float value, DataType dtype, bool saturate);

}  // namespace tinyc
