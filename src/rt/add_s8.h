/* Sum of two int8 tensors, each on a grid of its own.
 *
 * out = clamp((a * multiplier_a + b * multiplier_b + rounding) >> shift, low, high)
 * where, with t = 2^shift: multiplier_x = round(t * scale_x / scale_out) and rounding = t / 2 + t * zero_out
 * - multiplier_a * zero_a - multiplier_b * zero_b, so that both zero points and the rounding cost nothing. A difference
 * is a negative multiplier. Both |multiplier| are below 2^22 and |rounding| leaves room: everything stays in 32 bits
 * (|a * multiplier| < 2^29 each). One rounding, half up.
 *
 * tc_add_channels_s8 repeats b, `count` values, along the last axis of a [outer][count].
 * Memory: no scratch. Overlap: out may start at a, or at b where b is not repeated; out may also start below either.
 * Cost: 7 instructions a value on Cortex-M4, under 1 with vectors.
 */
#ifndef TC_ADD_S8_H
#define TC_ADD_S8_H

#include "base.h"

TC_FN void tc_add_s8(const int8_t* a, const int8_t* b, int8_t* out, int32_t size, int32_t multiplier_a,
                     int32_t multiplier_b, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  for (int32_t i = 0; i < size; ++i)
    out[i] = (int8_t)tc_clamp((a[i] * multiplier_a + b[i] * multiplier_b + rounding) >> shift, low, high);
}

TC_FN void tc_add_channels_s8(const int8_t* a, const int8_t* b, int8_t* out, int32_t outer, int32_t count,
                              int32_t multiplier_a, int32_t multiplier_b, int32_t rounding, int32_t shift, int32_t low,
                              int32_t high) {
  for (int32_t i = 0; i < outer; ++i) {
    tc_add_s8(a, b, out, count, multiplier_a, multiplier_b, rounding, shift, low, high);
    a += count;
    out += count;
  }
}

#endif
