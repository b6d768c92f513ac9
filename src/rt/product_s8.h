/* Products of a block of pixels with rows of weights: what convolution, 1x1 convolution and matrix product share.
 *
 * A caller stages the inputs of up to tc_block_pixels() pixels (their windows, K numbers each) into scratch, then asks
 * for all output channels of that block:  out[p][o] = requantize(bias[o] + sum_k weights[o][k] * window[p][k]). Since a
 * block is read in full before a byte of it is written, `out` may lie over bytes that only this block reads. The paths
 * for vectors, 16-bit pairs and plain Thumb code are files of their own; all give the same bytes.
 *
 * Portable. A 32-bit multiply does two products: window elements of two pixels share a word, x = a + 65536 b, and w * x
 * holds w*a in its lower and w*b in its upper half. The halves of two such products still do not meet, so per pair of k
 *   p = w0 * x0 + w1 * x1 + c,   total += p,   upper += p >> 16,
 * with c = 32767 - 65536, which moves the lower sum to 0..65535 and the upper one into int16 (weights may be -128). In
 * the end sum_b = upper + pairs, sum_a = total - 65536 * upper - 32767 * pairs, modulo 2^32, exact. Per pair that is
 * two multiplies and five additions or shifts for four products.
 */
#ifndef TC_PRODUCT_S8_H
#define TC_PRODUCT_S8_H

#include "base.h"
#include "product_dsp_s8.h"
#include "product_mve_s8.h"
#include "product_thumb_s8.h"

/* Bytes of scratch of a block of windows of `inputs` numbers, on whichever path. */
TC_INLINE int32_t tc_block_bytes(int32_t inputs) {
  return (inputs <= 1024 ? 8 : 4) * ((inputs + 15) & ~15);
}

TC_INLINE void tc_copy(int8_t* to, const int8_t* from, int32_t count) {
#if defined(TC_MVE)
  __asm__ volatile(
      "dlstp.8 lr, %[count]\n"
      "1:\n\t"
      "vldrb.8 q0, [%[from]], #16\n\t"
      "vstrb.8 q0, [%[to]], #16\n\t"
      "letp lr, 1b\n\t"
      : [from] "+r"(from), [to] "+r"(to)
      : [count] "r"(count)
      : "lr", "q0", "memory");
#elif defined(TC_DSP)
  const int8_t* end = from + (count & ~3);
  for (; from != end; from += 4, to += 4) tc_store4(to, tc_load4(from));
  if ((count & 2) != 0) {
    to[0] = from[0];
    to[1] = from[1];
    from += 2;
    to += 2;
  }
  if ((count & 1) != 0) *to = *from;
#else
  const int8_t* end = from + count;
  while (from != end) *to++ = *from++;
#endif
}

TC_INLINE void tc_fill(int8_t* to, int32_t value, int32_t count) {
  for (; count > 0; count--) *to++ = (int8_t)value;
}

#if !defined(TC_DSP) && !defined(TC_MVE)

/* Windows are staged in pieces of a multiple of this many bytes, the last piece excepted. */
#define TC_STAGE_UNIT 1

TC_INLINE int32_t tc_block_pixels(int32_t inputs) {
  (void)inputs;
  return 2;
}

/* `count` elements of pixel `pixel`'s window, from its element `at` on. Pixels are staged in order. */
TC_FN void tc_stage(void* block, int32_t pixel, int32_t pixels, int32_t inputs, int32_t at, const int8_t* from,
                    int32_t count) {
  uint32_t* to = (uint32_t*)block + at;
  (void)pixels;
  const int8_t* end = from + count;
  if (pixel == 0) {
    while (from != end) *to++ = (uint32_t)*from++;
    if (at + count == inputs) {
      for (; (inputs & 3) != 0; inputs++) *to++ = 0;
    }
  } else {
    while (from != end) *to++ += (uint32_t)*from++ << 16;
  }
}

#if !defined(TC_THUMB)

#define TC_PAIR(w, at, total, upper)                      \
  {                                                       \
    uint32_t pair = shift_in + (uint32_t)(w)[at] * x[at]; \
    pair += (uint32_t)(w)[(at) + 1] * x[(at) + 1];        \
    total += pair;                                        \
    upper += (int32_t)pair >> 16;                         \
  }

/* The outputs of two pixels from their sums. */
TC_INLINE void tc_put_pair(uint32_t total, int32_t upper, int32_t pairs, const int32_t* channel, int8_t* out,
                           int8_t* second, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  const uint32_t a = total - ((uint32_t)upper << 16) - 32767U * (uint32_t)pairs;
  const int32_t b = upper + pairs + channel[0];
  if (second != 0) *second = (int8_t)tc_clamp(tc_requantize(b, channel[1], rounding, shift), low, high);
  *out = (int8_t)tc_clamp(tc_requantize((int32_t)(a + (uint32_t)channel[0]), channel[1], rounding, shift), low, high);
}

TC_NOINLINE void tc_product_block(const void* block, int32_t pixels, const int8_t* weights, const int32_t* channels,
                                  int32_t inputs, int8_t* out, int32_t out_step, int32_t out_c, int32_t rounding,
                                  int32_t shift, int32_t low, int32_t high) {
  const uint32_t shift_in = 32767U - 65536U;
  const int32_t row = (inputs + 3) & ~3;
  const uint32_t* end = (const uint32_t*)block + row;
  int8_t* second = pixels > 1 ? out + out_step : 0;
  for (int32_t o = 0; o < out_c; o += 2) {
    const int32_t next = o + 1 < out_c ? 1 : 0;
    const uint32_t* x = (const uint32_t*)block;
    const int8_t* w0 = weights;
    const int8_t* w1 = weights + next * row;
    uint32_t total0 = 0;
    uint32_t total1 = 0;
    int32_t upper0 = 0;
    int32_t upper1 = 0;
    do {
      TC_PAIR(w0, 0, total0, upper0)
      TC_PAIR(w1, 0, total1, upper1)
      TC_PAIR(w0, 2, total0, upper0)
      TC_PAIR(w1, 2, total1, upper1)
      x += 4;
      w0 += 4;
      w1 += 4;
    } while (x != end);
    /* A last channel without a second is written twice to one place. */
    tc_put_pair(total1, upper1, row / 2, channels + 2 * next, out + next, second != 0 ? second + next : 0, rounding,
                shift, low, high);
    tc_put_pair(total0, upper0, row / 2, channels, out, second, rounding, shift, low, high);
    weights = w1;
    channels += 4;
    out += 2;
    if (second != 0) second += 2;
  }
}

#undef TC_PAIR

#endif
#endif

#endif
