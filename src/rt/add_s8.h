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
 * Cost in instructions a value: 8 on Cortex-M4, 2.3 with MVE.
 */
#ifndef TC_ADD_S8_H
#define TC_ADD_S8_H

#include "base.h"
#include "clamp_s8.h"

#ifdef TC_MVE

/* Without the clamp to less than int8. */
TC_INLINE void tc_add_run(const int8_t* a, const int8_t* b, int8_t* out, int32_t size, int32_t multiplier_a,
                          int32_t multiplier_b, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  int32x4_t x;
  int32x4_t y;
  (void)low;
  (void)high;
  if (size <= 0) return;
  __asm__ volatile(
      "dlstp.32 lr, %[size]\n"
      "1:\n\t"
      "vldrb.s32 %q[x], [%[a]], #4\n\t"
      "vldrb.s32 %q[y], [%[b]], #4\n\t"
      "vmlas.s32 %q[x], %q[ma], %[rounding]\n\t"
      "vmla.s32 %q[x], %q[y], %[mb]\n\t"
      "vshl.s32 %q[x], %[shift]\n\t"
      "vqmovnb.s32 %q[x], %q[x]\n\t"
      "vqmovnb.s16 %q[x], %q[x]\n\t"
      "vstrb.32 %q[x], [%[out]], #4\n\t"
      "letp lr, 1b\n\t"
      : [x] "=&w"(x), [y] "=&w"(y), [a] "+l"(a), [b] "+l"(b), [out] "+l"(out)
      : [size] "r"(size), [ma] "w"(vdupq_n_s32(multiplier_a)), [mb] "r"(multiplier_b), [rounding] "r"(rounding),
        [shift] "r"(-shift)
      : "lr", "memory");
}

#else

TC_INLINE void tc_add_run(const int8_t* a, const int8_t* b, int8_t* out, int32_t size, int32_t multiplier_a,
                          int32_t multiplier_b, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  for (; size >= 4; size -= 4) {
    out[0] = (int8_t)tc_clamp_s8((rounding + a[0] * multiplier_a + b[0] * multiplier_b) >> shift, low, high);
    TC_APART();
    out[1] = (int8_t)tc_clamp_s8((rounding + a[1] * multiplier_a + b[1] * multiplier_b) >> shift, low, high);
    TC_APART();
    out[2] = (int8_t)tc_clamp_s8((rounding + a[2] * multiplier_a + b[2] * multiplier_b) >> shift, low, high);
    TC_APART();
    out[3] = (int8_t)tc_clamp_s8((rounding + a[3] * multiplier_a + b[3] * multiplier_b) >> shift, low, high);
    a += 4;
    b += 4;
    out += 4;
  }
  for (; size > 0; --size)
    *out++ = (int8_t)tc_clamp_s8((rounding + *a++ * multiplier_a + *b++ * multiplier_b) >> shift, low, high);
}

#endif

TC_FN void tc_add_s8(const int8_t* a, const int8_t* b, int8_t* out, int32_t size, int32_t multiplier_a,
                     int32_t multiplier_b, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  tc_add_run(a, b, out, size, multiplier_a, multiplier_b, rounding, shift, low, high);
  tc_clamp_rest(out, size, low, high);
}

TC_FN void tc_add_channels_s8(const int8_t* a, const int8_t* b, int8_t* out, int32_t outer, int32_t count,
                              int32_t multiplier_a, int32_t multiplier_b, int32_t rounding, int32_t shift, int32_t low,
                              int32_t high) {
  for (int32_t i = 0; i < outer; ++i)
    tc_add_run(a + i * count, b, out + i * count, count, multiplier_a, multiplier_b, rounding, shift, low, high);
  tc_clamp_rest(out, outer * count, low, high);
}

#endif
