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
  int32x4_t x, y;
  (void)low;
  (void)high;
  if (size <= 0) return;
  __asm__ volatile(
      "dlstp.32 lr, %[size]\n"
      "1:\n\t"
      "vldrb.s32 %q[x], [%[a]], #4\n\t"
      "vldrb.s32 %q[y], [%[b]], #4\n\t"
      "vsub.i32 %q[x], %q[x], %[zero_a]\n\t"
      "vsub.i32 %q[y], %q[y], %[zero_b]\n\t"
      "vmul.i32 %q[x], %q[x], %q[y]\n\t"
      "vshl.s32 %q[x], %[left]\n\t"
      "vmulh.s32 %q[x], %q[x], %q[m]\n\t"
      "vadd.i32 %q[x], %q[x], %[rounding]\n\t"
      "vshl.s32 %q[x], %[shift]\n\t"
      "vqmovnb.s32 %q[x], %q[x]\n\t"
      "vqmovnb.s16 %q[x], %q[x]\n\t"
      "vstrb.32 %q[x], [%[out]], #4\n\t"
      "letp lr, 1b\n\t"
      : [x] "=&w"(x), [y] "=&w"(y), [a] "+l"(a), [b] "+l"(b), [out] "+l"(out)
      : [size] "r"(size), [m] "w"(vdupq_n_s32(multiplier)), [zero_a] "r"(zero_a), [zero_b] "r"(zero_b),
        [rounding] "r"(rounding), [left] "r"(left), [shift] "r"(-shift)
      : "lr", "memory");
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
