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

#if defined(TC_DSP)

/* Windows are staged in pieces of a multiple of this many bytes, the last piece excepted. */
#define TC_STAGE_UNIT 4

/* Pixels of a full block. */
TC_INLINE int32_t tc_block_pixels(int32_t inputs) {
  return inputs <= 1024 ? 4 : 2;
}

/* Bytes to 16 bits; of every four, elements 0 and 2 go to to[0], elements 1 and 3 to to[step]; zeros behind the last.
 */
TC_FN void tc_widen(const int8_t* from, uint32_t* to, int32_t step, int32_t count) {
  const int32_t apart = 2 * step;
  for (; count >= 4; count -= 4) {
    const uint32_t word = tc_load4(from);
    from += 4;
    to[0] = tc_widen_even(word);
    to[step] = tc_widen_odd(word);
    to += apart;
  }
  if (count > 0) {
    uint32_t word = (uint8_t)from[0];
    if (count > 1) word |= (uint32_t)(uint8_t)from[1] << 8;
    if (count > 2) word |= (uint32_t)(uint8_t)from[2] << 16;
    to[0] = tc_widen_even(word);
    to[step] = tc_widen_odd(word);
  }
}

/* `count` elements of the window of pixel `pixel` of `pixels`, from its element `at` on. Pixels are staged in order. */
TC_INLINE void tc_stage(void* block, int32_t pixel, int32_t pixels, int32_t inputs, int32_t at, const int8_t* from,
                        int32_t count) {
  const int32_t step = pixels > 2 ? 4 : 2;
  (void)inputs;
  tc_widen(from, (uint32_t*)block + at / 2 * step + pixel, step, count);
}

/* Four weights of one channel with four elements of four windows: 16 products. */
#define TC_STEP_4                       \
  "ldr %[w], [%[weight]], #4\n\t"       \
  "ldmia %[x]!, {r8, r9, r10, r11}\n\t" \
  "sxtb16 %[even], %[w]\n\t"            \
  "smlad %[a], %[even], r8, %[a]\n\t"   \
  "smlad %[b], %[even], r9, %[b]\n\t"   \
  "smlad %[c], %[even], r10, %[c]\n\t"  \
  "smlad %[d], %[even], r11, %[d]\n\t"  \
  "ldmia %[x]!, {r8, r9, r10, r11}\n\t" \
  "sxtb16 %[w], %[w], ror #8\n\t"       \
  "smlad %[a], %[w], r8, %[a]\n\t"      \
  "smlad %[b], %[w], r9, %[b]\n\t"      \
  "smlad %[c], %[w], r10, %[c]\n\t"     \
  "smlad %[d], %[w], r11, %[d]\n\t"

/* The same of two windows. */
#define TC_STEP_2                       \
  "ldr %[w], [%[weight]], #4\n\t"       \
  "ldmia %[x]!, {r8, r9, r10, r11}\n\t" \
  "sxtb16 %[even], %[w]\n\t"            \
  "smlad %[a], %[even], r8, %[a]\n\t"   \
  "smlad %[b], %[even], r9, %[b]\n\t"   \
  "sxtb16 %[w], %[w], ror #8\n\t"       \
  "smlad %[a], %[w], r10, %[a]\n\t"     \
  "smlad %[b], %[w], r11, %[b]\n\t"

#define TC_STEPS_4(steps)                                                                                     \
  __asm__ volatile(steps                                                                                      \
                   : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [x] "+r"(x), [weight] "+r"(weights), \
                     [w] "=&r"(w), [even] "=&r"(even)                                                         \
                   :                                                                                          \
                   : "r8", "r9", "r10", "r11", "memory")

#define TC_STEPS_2(steps)                                                                                            \
  __asm__ volatile(steps                                                                                             \
                   : [a] "+r"(a), [b] "+r"(b), [x] "+r"(x), [weight] "+r"(weights), [w] "=&r"(w), [even] "=&r"(even) \
                   :                                                                                                 \
                   : "r8", "r9", "r10", "r11", "memory")

/* One pixel's output; the saturation is the clamp unless the range is narrower. */
TC_INLINE int8_t tc_finish(int32_t acc, int32_t multiplier, int32_t rounding, int32_t shift, int32_t low, int32_t high,
                           int32_t narrow) {
  int32_t value = tc_requantize(acc, multiplier, rounding, shift);
  __asm__("ssat %0, #8, %0" : "+r"(value));
  if (narrow) value = tc_clamp(value, low, high);
  return (int8_t)value;
}

TC_NOINLINE void tc_product_4(const uint32_t* block, int32_t pixels, const int8_t* weights, const int32_t* channels,
                              int32_t inputs, int8_t* out, int32_t out_step, int32_t out_c, int32_t rounding,
                              int32_t shift, int32_t low, int32_t high) {
  const uint32_t* whole = block + (inputs + 3) / 16 * 32;
  const uint32_t* end = block + (inputs + 3) / 4 * 8;
  const int32_t narrow = low > -128 || high < 127;
  const int32_t last = pixels > 3 ? 3 * out_step : 2 * out_step;
  const int8_t* out_end = out + out_c;
  do {
    const uint32_t* x = block;
    int32_t a = channels[0];
    int32_t b = a;
    int32_t c = a;
    int32_t d = a;
    uint32_t w;
    uint32_t even;
    while (x != whole) TC_STEPS_4(TC_STEP_4 TC_STEP_4 TC_STEP_4 TC_STEP_4);
    while (x != end) TC_STEPS_4(TC_STEP_4);
    const int32_t multiplier = channels[1];
    /* Without a fourth pixel its place is the third's, whose output comes last. */
    out[last] = tc_finish(d, multiplier, rounding, shift, low, high, narrow);
    out[2 * out_step] = tc_finish(c, multiplier, rounding, shift, low, high, narrow);
    out[out_step] = tc_finish(b, multiplier, rounding, shift, low, high, narrow);
    *out++ = tc_finish(a, multiplier, rounding, shift, low, high, narrow);
    channels += 2;
  } while (out != out_end);
}

TC_NOINLINE void tc_product_2(const uint32_t* block, int32_t pixels, const int8_t* weights, const int32_t* channels,
                              int32_t inputs, int8_t* out, int32_t out_step, int32_t out_c, int32_t rounding,
                              int32_t shift, int32_t low, int32_t high) {
  const uint32_t* whole = block + (inputs + 3) / 16 * 16;
  const uint32_t* end = block + (inputs + 3) / 4 * 4;
  const int32_t narrow = low > -128 || high < 127;
  const int32_t last = pixels > 1 ? out_step : 0;
  const int8_t* out_end = out + out_c;
  do {
    const uint32_t* x = block;
    int32_t a = channels[0];
    int32_t b = a;
    uint32_t w;
    uint32_t even;
    while (x != whole) TC_STEPS_2(TC_STEP_2 TC_STEP_2 TC_STEP_2 TC_STEP_2);
    while (x != end) TC_STEPS_2(TC_STEP_2);
    out[last] = tc_finish(b, channels[1], rounding, shift, low, high, narrow);
    *out++ = tc_finish(a, channels[1], rounding, shift, low, high, narrow);
    channels += 2;
  } while (out != out_end);
}

TC_FN void tc_product_block(const void* block, int32_t pixels, const int8_t* weights, const int32_t* channels,
                            int32_t inputs, int8_t* out, int32_t out_step, int32_t out_c, int32_t rounding,
                            int32_t shift, int32_t low, int32_t high) {
  const uint32_t* words = (const uint32_t*)block;
  if (pixels > 2) {
    tc_product_4(words, pixels, weights, channels, inputs, out, out_step, out_c, rounding, shift, low, high);
  } else {
    tc_product_2(words, pixels, weights, channels, inputs, out, out_step, out_c, rounding, shift, low, high);
  }
}

#elif defined(TC_MVE)

/* Windows are staged in pieces of a multiple of this many bytes, the last piece excepted. */
#define TC_STAGE_UNIT 1

/* Pixels of a full block. */
TC_INLINE int32_t tc_block_pixels(int32_t inputs) {
  (void)inputs;
  return 4;
}

/* `count` elements of the window of pixel `pixel` of `pixels`, from its element `at` on. Pixels are staged in order. A
 * block is a sequence of 64 bytes: 16 elements of each of four windows. */
TC_FN void tc_stage(void* block, int32_t pixel, int32_t pixels, int32_t inputs, int32_t at, const int8_t* from,
                    int32_t count) {
  (void)pixels;
  (void)inputs;
  int8_t* to = (int8_t*)block + at / 16 * 64 + pixel * 16;
  at &= 15;
  do {
    const int32_t room = 16 - at;
    const int32_t piece = count < room ? count : room;
    const mve_pred16_t lanes = vctp8q((uint32_t)piece);
    vstrbq_p_s8(to + at, vldrbq_z_s8(from, lanes), lanes);
    from += piece;
    count -= piece;
    to += 64;
    at = 0;
  } while (count > 0);
}

TC_NOINLINE void tc_product_block(const void* block, int32_t pixels, const int8_t* weights, const int32_t* channels,
                                  int32_t inputs, int8_t* out, int32_t out_step, int32_t out_c, int32_t rounding,
                                  int32_t shift, int32_t low, int32_t high) {
  const int32_t row = (inputs + 3) & ~3;
  const mve_pred16_t lanes = vctp32q((uint32_t)pixels);
  const uint32x4_t offsets = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)out_step);
  const int32x4_t lowest = vdupq_n_s32(low);
  const int32x4_t highest = vdupq_n_s32(high);
  const int8_t* out_end = out + out_c;
  do {
    const int8_t* x = (const int8_t*)block;
    const int8_t* weight = weights;
    int32_t a = channels[0];
    int32_t b = a;
    int32_t c = a;
    int32_t d = a;
    int32x4_t value;
    __asm__ volatile(
        "dlstp.8 lr, %[inputs]\n"
        "1:\n\t"
        "vldrb.8 q0, [%[weight]], #16\n\t"
        "vldrb.8 q1, [%[x]], #16\n\t"
        "vmladava.s8 %[a], q0, q1\n\t"
        "vldrb.8 q2, [%[x]], #16\n\t"
        "vmladava.s8 %[b], q0, q2\n\t"
        "vldrb.8 q1, [%[x]], #16\n\t"
        "vmladava.s8 %[c], q0, q1\n\t"
        "vldrb.8 q2, [%[x]], #16\n\t"
        "vmladava.s8 %[d], q0, q2\n\t"
        "letp lr, 1b\n\t"
        "vmov %q[value][2], %q[value][0], %[a], %[c]\n\t"
        "vmov %q[value][3], %q[value][1], %[b], %[d]\n\t"
        :
        [a] "+Te"(a), [b] "+Te"(b), [c] "+Te"(c), [d] "+Te"(d), [x] "+r"(x), [weight] "+r"(weight), [value] "=&w"(value)
        : [inputs] "r"(inputs)
        : "lr", "q0", "q1", "q2", "memory");
    value = vaddq_n_s32(vmulhq_s32(value, vdupq_n_s32(channels[1])), rounding);
    value = vminq_s32(vmaxq_s32(vshlq_r_s32(value, -shift), lowest), highest);
    vstrbq_scatter_offset_p_s32(out, offsets, value, lanes);
    out++;
    weights += row;
    channels += 2;
  } while (out != out_end);
}

#else

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

#endif
