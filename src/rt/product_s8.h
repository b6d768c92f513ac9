/* Products of a block of pixels with rows of weights: what convolution, 1x1 convolution and matrix product share.
 *
 * A caller stages the inputs of up to tc_block_pixels() pixels (their windows, K numbers each) into scratch, then asks
 * for all output channels of that block:  out[p][o] = requantize(bias[o] + sum_k weights[o][k] * window[p][k]). Since a
 * block is read in full before a byte of it is written, `out` may lie over bytes that only this block reads.
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

/* Bytes of scratch of a block of windows of `inputs` numbers, on whichever path. */
TC_INLINE int32_t tc_block_bytes(int32_t inputs) {
  return (inputs <= 1024 ? 8 : 4) * ((inputs + 15) & ~15);
}

TC_INLINE void tc_copy(int8_t* to, const int8_t* from, int32_t count) {
  for (int32_t i = 0; i < count; i++) to[i] = from[i];
}

/* Windows are staged in pieces of a multiple of this many bytes, the last piece excepted. */
#define TC_STAGE_UNIT 1

TC_INLINE int32_t tc_block_pixels(int32_t inputs) {
  (void)inputs;
  return 2;
}

/* `count` elements of pixel `pixel`'s window, from its element `at` on. Pixels are staged in order. */
TC_FN void tc_stage(void* block, int32_t pixel, int32_t inputs, int32_t at, const int8_t* from, int32_t count) {
  uint32_t* to = (uint32_t*)block + at;
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

#define TC_PAIR(w, at, total, upper)                                                       \
  {                                                                                        \
    const uint32_t sum = (uint32_t)(w)[at] * x0 + (uint32_t)(w)[(at) + 1] * x1 + shift_in; \
    total += sum;                                                                          \
    upper += (int32_t)sum >> 16;                                                           \
  }

TC_NOINLINE void tc_product_block(const void* block, int32_t pixels, const int8_t* weights, const int32_t* channels,
                                  int32_t inputs, int8_t* out, int32_t out_step, int32_t out_c, int32_t rounding,
                                  int32_t shift, int32_t low, int32_t high) {
  const uint32_t shift_in = 32767U - 65536U;
  const int32_t row = (inputs + 3) & ~3;
  const int32_t pairs = row / 2;
  for (int32_t o = 0; o < out_c; o += 2) {
    const int32_t more = o + 1 < out_c;
    const int8_t* w0 = weights;
    const int8_t* w1 = weights + (more ? row : 0);
    const int32_t* second = channels + (more ? 2 : 0);
    const uint32_t* x = (const uint32_t*)block;
    const uint32_t* end = x + row;
    uint32_t total0 = 0;
    uint32_t total1 = 0;
    int32_t upper0 = 0;
    int32_t upper1 = 0;
    do {
      const uint32_t x0 = x[0];
      const uint32_t x1 = x[1];
      TC_PAIR(w0, 0, total0, upper0)
      TC_PAIR(w1, 0, total1, upper1)
      w0 += 2;
      w1 += 2;
      x += 2;
    } while (x != end);
    total0 -= ((uint32_t)upper0 << 16) + 32767U * (uint32_t)pairs - (uint32_t)channels[0];
    total1 -= ((uint32_t)upper1 << 16) + 32767U * (uint32_t)pairs - (uint32_t)second[0];
    upper0 += pairs + channels[0];
    upper1 += pairs + second[0];
    out[o] = (int8_t)tc_clamp(tc_requantize((int32_t)total0, channels[1], rounding, shift), low, high);
    if (pixels > 1) {
      out[out_step + o] = (int8_t)tc_clamp(tc_requantize(upper0, channels[1], rounding, shift), low, high);
    }
    if (more) {
      out[o + 1] = (int8_t)tc_clamp(tc_requantize((int32_t)total1, second[1], rounding, shift), low, high);
      if (pixels > 1) {
        out[out_step + o + 1] = (int8_t)tc_clamp(tc_requantize(upper1, second[1], rounding, shift), low, high);
      }
    }
    weights += 2 * row;
    channels += 4;
  }
}

#undef TC_PAIR

#endif
