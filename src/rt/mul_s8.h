/* Product of two int8 tensors.
 *
 * out = requantize(((a - zero_a) * (b - zero_b)) << left, multiplier); the product is below 2^16, and the shift to the
 * left (0 to 14) gives multiplier its bits where scale_a * scale_b / scale_out is above 1/2.
 *
 * tc_mul_channels_s8 repeats b, `count` values, along the last axis of a [outer][count]: a squeeze-and-excite gate.
 * Memory: no scratch. Overlap: out may start at a, or at b where b is not repeated; out may also start below either.
 */
#ifndef TC_MUL_S8_H
#define TC_MUL_S8_H

#include "base.h"

TC_FN void tc_mul_s8(const int8_t* a, const int8_t* b, int8_t* out, int32_t size, int32_t zero_a, int32_t zero_b,
                     int32_t multiplier, int32_t rounding, int32_t shift, int32_t left, int32_t low, int32_t high) {
  const int32_t factor = (int32_t)1 << left;
  for (int32_t i = 0; i < size; ++i) {
    const int32_t acc = (a[i] - zero_a) * (b[i] - zero_b) * factor;
    out[i] = (int8_t)tc_clamp(tc_requantize(acc, multiplier, rounding, shift), low, high);
  }
}

TC_FN void tc_mul_channels_s8(const int8_t* a, const int8_t* b, int8_t* out, int32_t outer, int32_t count,
                              int32_t zero_a, int32_t zero_b, int32_t multiplier, int32_t rounding, int32_t shift,
                              int32_t left, int32_t low, int32_t high) {
  for (int32_t i = 0; i < outer; ++i) {
    tc_mul_s8(a, b, out, count, zero_a, zero_b, multiplier, rounding, shift, left, low, high);
    a += count;
    out += count;
  }
}

#endif
