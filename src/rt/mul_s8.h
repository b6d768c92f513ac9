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
#include "clamp_s8.h"

/* Without the clamp to less than int8, where the core saturates. */
TC_INLINE void tc_mul_run(const int8_t* a, const int8_t* b, int8_t* out, int32_t size, int32_t zero_a, int32_t zero_b,
                          int32_t multiplier, int32_t rounding, int32_t shift, int32_t left, int32_t low,
                          int32_t high) {
#ifdef TC_MVE
  (void)low;
  (void)high;
  for (; size > 0; size -= 4) {
    const mve_pred16_t some = vctp32q((uint32_t)size);
    const int32x4_t x = vsubq_n_s32(vldrbq_z_s32(a, some), zero_a);
    const int32x4_t y = vsubq_n_s32(vldrbq_z_s32(b, some), zero_b);
    const int32x4_t high_word = vmulhq_s32(vshlq_r_s32(vmulq_s32(x, y), left), vdupq_n_s32(multiplier));
    const int32x4_t q = vshlq_r_s32(vaddq_n_s32(high_word, rounding), -shift);
    const int16x8_t half = vqmovnbq_s32(vreinterpretq_s16_s32(q), q);
    vstrbq_p_s32(out, vreinterpretq_s32_s8(vqmovnbq_s16(vreinterpretq_s8_s16(half), half)), some);
    a += 4;
    b += 4;
    out += 4;
  }
#else
  const int32_t factor = (int32_t)1 << left;
  for (int32_t i = 0; i < size; ++i) {
    const int32_t acc = (a[i] - zero_a) * (b[i] - zero_b) * factor;
    out[i] = (int8_t)tc_clamp_s8(tc_requantize(acc, multiplier, rounding, shift), low, high);
  }
#endif
}

TC_FN void tc_mul_s8(const int8_t* a, const int8_t* b, int8_t* out, int32_t size, int32_t zero_a, int32_t zero_b,
                     int32_t multiplier, int32_t rounding, int32_t shift, int32_t left, int32_t low, int32_t high) {
  tc_mul_run(a, b, out, size, zero_a, zero_b, multiplier, rounding, shift, left, low, high);
  tc_clamp_rest(out, size, low, high);
}

TC_FN void tc_mul_channels_s8(const int8_t* a, const int8_t* b, int8_t* out, int32_t outer, int32_t count,
                              int32_t zero_a, int32_t zero_b, int32_t multiplier, int32_t rounding, int32_t shift,
                              int32_t left, int32_t low, int32_t high) {
  for (int32_t i = 0; i < outer; ++i)
    tc_mul_run(a + i * count, b, out + i * count, count, zero_a, zero_b, multiplier, rounding, shift, left, low, high);
  tc_clamp_rest(out, outer * count, low, high);
}

#endif
