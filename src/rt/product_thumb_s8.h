/* Products of a block of pixels in Thumb code without DSP instructions (Cortex-M0, M0+, M3, M23). See product_s8.h.
 *
 * The portable method with one channel at a time, its inner loop written out: a compiler does not load several words by
 * one instruction, and in Thumb-1 it does not find that sums may stay in the upper registers. Per four inputs of two
 * pixels, eight products: 13 instructions where there is a multiply-add, 23 on Armv6-M.
 */
#ifndef TC_PRODUCT_THUMB_S8_H
#define TC_PRODUCT_THUMB_S8_H

#include "base.h"

#if defined(__GNUC__) && !defined(TC_DSP) && !defined(TC_MVE)
#if defined(__thumb2__) || (defined(__thumb__) && !defined(__OPTIMIZE_SIZE__))
#define TC_THUMB 1 /* gcc -Os gives no upper registers away in Thumb-1. */
#endif
#endif

#if defined(TC_THUMB)

/* Adds the products of the words from x to end, a multiple of four and at least four, with as many weights to the two
 * sums of the essay; returns the weights' end. */
#if defined(__thumb2__)
#define TC_STEP_4                           \
  "ldmia %[x]!, {r8, r9, r10, r11}\n\t"     \
  "ldrsb %[w], [%[weight]], #1\n\t"         \
  "mla r8, r8, %[w], %[one]\n\t"            \
  "ldrsb %[w], [%[weight]], #1\n\t"         \
  "mla r8, r9, %[w], r8\n\t"                \
  "ldrsb %[w], [%[weight]], #1\n\t"         \
  "mla r10, r10, %[w], %[one]\n\t"          \
  "ldrsb %[w], [%[weight]], #1\n\t"         \
  "mla r10, r11, %[w], r10\n\t"             \
  "add %[total], %[total], r8\n\t"          \
  "add %[upper], %[upper], r8, asr #16\n\t" \
  "add %[total], %[total], r10\n\t"         \
  "add %[upper], %[upper], r10, asr #16\n\t"
#define TC_ANY "r"
#define TC_CLOBBERS "r8", "r9", "r10", "r11", "cc", "memory"
#else
#define TC_STEP_4              \
  "ldmia %[weight]!, {r3}\n\t" \
  "ldmia %[x]!, {r4, r5}\n\t"  \
  "sxtb %[w], r3\n\t"          \
  "muls r4, %[w], r4\n\t"      \
  "lsls %[w], r3, #16\n\t"     \
  "asrs %[w], %[w], #24\n\t"   \
  "muls r5, %[w], r5\n\t"      \
  "adds r4, r4, r5\n\t"        \
  "add r4, %[one]\n\t"         \
  "add %[total], r4\n\t"       \
  "asrs r4, r4, #16\n\t"       \
  "add %[upper], r4\n\t"       \
  "ldmia %[x]!, {r4, r5}\n\t"  \
  "lsls %[w], r3, #8\n\t"      \
  "asrs %[w], %[w], #24\n\t"   \
  "asrs r3, r3, #24\n\t"       \
  "muls r4, %[w], r4\n\t"      \
  "muls r5, r3, r5\n\t"        \
  "adds r4, r4, r5\n\t"        \
  "add r4, %[one]\n\t"         \
  "add %[total], r4\n\t"       \
  "asrs r4, r4, #16\n\t"       \
  "add %[upper], r4\n\t"
#define TC_ANY "h"
#define TC_CLOBBERS "r3", "r4", "r5", "cc", "memory"
#endif

#define TC_STEPS(steps)                                                                                     \
  __asm__ volatile(                                                                                         \
      ".syntax unified\n\t" steps                                                                           \
      : [x] "+l"(x), [weight] "+l"(weight), [total] "+" TC_ANY(sum), [upper] "+" TC_ANY(high), [w] "=&l"(w) \
      : [one] TC_ANY(one)                                                                                   \
      : TC_CLOBBERS)

TC_INLINE const int8_t* tc_dot_pair(const uint32_t* x, const uint32_t* end, const int8_t* weight, uint32_t* total,
                                    int32_t* upper) {
  const uint32_t one = 32767U - 65536U;
  uint32_t sum = *total;
  int32_t high = *upper;
  int32_t w;
  if (((end - x) & 4) != 0) TC_STEPS(TC_STEP_4);
  while (x != end) TC_STEPS(TC_STEP_4 TC_STEP_4);
  *total = sum;
  *upper = high;
  return weight;
}

#undef TC_STEPS
#undef TC_STEP_4
#undef TC_CLOBBERS
#undef TC_ANY

TC_NOINLINE void tc_product_block(const void* block, int32_t pixels, const int8_t* weights, const int32_t* channels,
                                  int32_t inputs, int8_t* out, int32_t out_step, int32_t out_c, int32_t rounding,
                                  int32_t shift, int32_t low, int32_t high) {
  const int32_t row = (inputs + 3) & ~3;
  const uint32_t* x = (const uint32_t*)block;
  const int8_t* out_end = out + out_c;
  for (; out != out_end; out++, channels += 2) {
    uint32_t total = 0;
    int32_t upper = 0;
    weights = tc_dot_pair(x, x + row, weights, &total, &upper);
    total -= ((uint32_t)upper << 16) + 32767U * (uint32_t)(row / 2);
    upper += row / 2;
    if (pixels > 1) {
      const int32_t second = tc_requantize(upper + channels[0], channels[1], rounding, shift);
      out[out_step] = (int8_t)tc_clamp(second, low, high);
    }
    const int32_t first = tc_requantize((int32_t)(total + (uint32_t)channels[0]), channels[1], rounding, shift);
    *out = (int8_t)tc_clamp(first, low, high);
  }
}

#endif

#endif
