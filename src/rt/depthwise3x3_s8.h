/* Depthwise convolution with a 3x3 kernel, stride 1 or 2 (the same on both axes), any padding of 0 or 1.
 *
 * The function is tc_depthwise_s8's; here each channel is a plane that suits the instructions of the core, and its
 * outputs come four at a time, so that a loaded element or weight serves several of them. Axis a is the one that the
 * four run along, b the other: of height and width the one is a that wastes less, as nothing in a plane of its own
 * knows rows from columns but the steps in memory and the order of the nine weights. portable, DSP  lines of the padded
 * plane (depthwise_plane.h). DSP takes two taps per multiply: for even outputs (x0 x1)(w0 w1) + x2 w2, for odd ones x1
 * w0 + (x2 x3)(w1 w2), so that every word is aligned. MVE            blocks of four lines, interleaved: an element is
 * the byte 4 * a + b of a block, and blocks start two lines apart. 16 bytes in a row are then a patch of 4x4 elements.
 * With stride 1 the patch holds four outputs, each one multiply-and-sum over all lanes with the weights shifted; with
 * stride 2 one.
 *
 * weights: [count][12], nine and three zeros. channels: {bias, multiplier}. |bias| < 2^30. count < 8192.
 * Memory: scratch of 64 + 2 * (s * (out_h + 3) + 2) * (s * (out_w + 3) + 2) bytes, s the stride.
 * Overlap: out may start at in (whatever the shapes), or not overlap.
 */
#ifndef TC_DEPTHWISE3X3_S8_H
#define TC_DEPTHWISE3X3_S8_H

#include "base.h"
#include "depthwise_plane.h"

#ifdef TC_MVE

/* Copies `columns` elements, `step` bytes apart, to every fourth byte of both places. */
TC_INLINE void tc_interleave(const int8_t* in, int8_t* to0, int8_t* to1, int32_t columns, int32_t step) {
  const uint16x8_t from = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)step);
  const uint16x8_t to = vidupq_n_u16(0, 4);
  for (; columns > 0; columns -= 8) {
    const mve_pred16_t some = vctp16q((uint32_t)columns);
    const int16x8_t x = vldrbq_gather_offset_z_s16(in, from, some);
    vstrbq_scatter_offset_p_s16(to0, to, x, some);
    vstrbq_scatter_offset_p_s16(to1, to, x, some);
    in += 8 * step;
    to0 += 32;
    to1 += 32;
  }
}

TC_INLINE int32x4_t tc_four(int32_t a, int32_t b, int32_t c, int32_t d) {
  int32x4_t v;
  __asm__("vmov %q0[2], %q0[0], %1, %2" : "=w"(v) : "r"(a), "r"(c));
  __asm__("vmov %q0[3], %q0[1], %1, %2" : "+w"(v) : "r"(b), "r"(d));
  return v;
}

/* Saturated results in the lowest byte of each lane. */
TC_INLINE int32x4_t tc_finish_four(int32x4_t acc, int32_t bias, int32x4_t multiplier, int32_t rounding, int32_t shift) {
  const int32x4_t high = vmulhq_s32(vaddq_n_s32(acc, bias), multiplier);
  const int32x4_t q = vshlq_r_s32(vaddq_n_s32(high, rounding), -shift);
  const int16x8_t half = vqmovnbq_s32(vreinterpretq_s16_s32(q), q);
  return vreinterpretq_s32_s8(vqmovnbq_s16(vreinterpretq_s8_s16(half), half));
}

/* Stride 1: a patch gives two outputs of this line and two of the next. w: the weights, four zero bytes before them. */
TC_INLINE void tc_patches1(const int8_t* x, const int8_t* w, int8_t* out, int32_t size, mve_pred16_t lines,
                           int32_t step_a, int32_t step_b, int32_t bias, int32_t multiplier, int32_t rounding,
                           int32_t shift) {
  const int8x16_t w0 = vldrbq_s8(w);
  const int8x16_t w1 = vldrbq_s8(w - 4);
  const int8x16_t w2 = vldrbq_s8(w - 1);
  const int8x16_t w3 = vldrbq_s8(w - 5);
  const int32x4_t m = vdupq_n_s32(multiplier);
  const uint32x4_t to = vreinterpretq_u32_s32(tc_four(0, step_a, step_b, step_a + step_b));
  for (; size > 0; size -= 2) {
    const int8x16_t patch = vldrbq_s8(x);
    const int32x4_t acc =
        tc_four(vmladavq_s8(patch, w0), vmladavq_s8(patch, w1), vmladavq_s8(patch, w2), vmladavq_s8(patch, w3));
    const mve_pred16_t some = size == 1 ? (mve_pred16_t)(lines & 0x0F0F) : lines;
    vstrbq_scatter_offset_p_s32(out, to, tc_finish_four(acc, bias, m, rounding, shift), some);
    x += 8;
    out += 2 * step_a;
  }
}

/* Stride 2: a patch gives one output. */
TC_INLINE void tc_patches2(const int8_t* x, const int8_t* w, int8_t* out, int32_t size, int32_t step_a, int32_t bias,
                           int32_t multiplier, int32_t rounding, int32_t shift) {
  const int8x16_t w0 = vldrbq_s8(w);
  const int32x4_t m = vdupq_n_s32(multiplier);
  const uint32x4_t to = vreinterpretq_u32_s32(tc_four(0, step_a, 2 * step_a, 3 * step_a));
  for (; size > 0; size -= 4) {
    const int32x4_t acc = tc_four(vmladavq_s8(vldrbq_s8(x), w0), vmladavq_s8(vldrbq_s8(x + 8), w0),
                                  vmladavq_s8(vldrbq_s8(x + 16), w0), vmladavq_s8(vldrbq_s8(x + 24), w0));
    vstrbq_scatter_offset_p_s32(out, to, tc_finish_four(acc, bias, m, rounding, shift), vctp32q((uint32_t)size));
    x += 32;
    out += 4 * step_a;
  }
}

TC_FN void tc_depthwise3x3_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights,
                              const int32_t* channels, int32_t in_h, int32_t in_w, int32_t count, int32_t out_h,
                              int32_t out_w, int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
                              int32_t in_zero, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  static const uint8_t kOrder[2][16] = {{0, 3, 6, 9, 1, 4, 7, 9, 2, 5, 8, 9, 9, 9, 9, 9},
                                        {0, 1, 2, 9, 3, 4, 5, 9, 6, 7, 8, 9, 9, 9, 9, 9}};
  const int tall = out_h > out_w;
  const int32_t in_a = tall ? in_h : in_w, in_b = tall ? in_w : in_h;
  const int32_t pad_a = tall ? pad_top : pad_left, pad_b = tall ? pad_left : pad_top;
  const int32_t out_a = tall ? out_h : out_w, out_b = tall ? out_w : out_h;
  const int32_t in_step = tall ? in_w * count : count, in_line = tall ? count : in_w * count;
  const int32_t out_step = tall ? out_w * count : count, out_line = tall ? count : out_w * count;
  const int32_t block = stride_h == 1 ? 8 * ((out_a + 1) >> 1) + 8 : 32 * ((out_a + 3) >> 2) + 8; /* bytes */
  const int32_t blocks = stride_h == 1 ? (out_b + 1) >> 1 : out_b;
  const int32_t columns = in_a < (block >> 2) - pad_a ? in_a : (block >> 2) - pad_a;
  const int32_t lines = in_b < 2 * blocks + 2 - pad_b ? in_b : 2 * blocks + 2 - pad_b;
  int8_t* const w = (int8_t*)scratch + 16;
  int8_t* const plane = (int8_t*)scratch + 64;
  (void)stride_w;
  memset(scratch, 0, 64);
  memset(plane, (int)in_zero, (size_t)(block * blocks));
  for (int32_t c = 0; c < count; ++c) {
    vstrbq_s8(w, vldrbq_gather_offset_s8(weights + 12 * c, vldrbq_u8(kOrder[tall])));
    for (int32_t b = 0; b < lines; ++b) {
      const int32_t at = b + pad_b;
      int8_t* const to0 = plane + (at >> 1) * block + (at & 1) + 4 * pad_a;
      int8_t* const to1 = to0 - block + 2;
      tc_interleave(in + c + b * in_line, at >> 1 < blocks ? to0 : to1, at > 1 ? to1 : to0, columns, in_step);
    }
    for (int32_t k = 0; k < blocks; ++k) {
      const int8_t* const x = plane + k * block;
      if (stride_h == 1)
        tc_patches1(x, w, out + c + 2 * k * out_line, out_a, 2 * k + 1 < out_b ? 0xFFFF : 0x00FF, out_step, out_line,
                    channels[2 * c], channels[2 * c + 1], rounding, shift);
      else
        tc_patches2(x, w, out + c + k * out_line, out_a, out_step, channels[2 * c], channels[2 * c + 1], rounding,
                    shift);
    }
  }
  tc_clamp_bytes(out, out_h * out_w * count, low, high);
}

#else

#ifdef TC_DSP
TC_INLINE int32_t tc_mac_low_high(uint32_t a, uint32_t b, int32_t acc) {
  int32_t sum;
  __asm__("smlabt %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(acc));
  return sum;
}

TC_INLINE int32_t tc_mac_high_low(uint32_t a, uint32_t b, int32_t acc) {
  int32_t sum;
  __asm__("smlatb %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(acc));
  return sum;
}

/* A word of the plane or of the weights. Aligned, which tc_load4 would not tell the compiler. */
TC_INLINE uint32_t tc_word(const void* from, int32_t index) {
  uint32_t word;
  memcpy(&word, (const uint32_t*)from + index, 4);
  return word;
}

/* Three taps of four outputs. w: the words (w0 w1) (w1 w2). */
TC_INLINE void tc_taps3(const tc_plane* x, const int32_t* w, int32_t stride, int32_t* acc0, int32_t* acc1,
                        int32_t* acc2, int32_t* acc3) {
  const uint32_t w01 = (uint32_t)w[0];
  const uint32_t w12 = (uint32_t)w[1];
  if (stride == 1) {
    const uint32_t x01 = tc_word(x, 0);
    const uint32_t x23 = tc_word(x, 1);
    const uint32_t x45 = tc_word(x, 2);
    *acc0 = tc_mac_low_high(x23, w12, tc_dual_mac(x01, w01, *acc0));
    *acc1 = tc_dual_mac(x23, w12, tc_mac_high_low(x01, w01, *acc1));
    *acc2 = tc_mac_low_high(x45, w12, tc_dual_mac(x23, w01, *acc2));
    *acc3 = tc_dual_mac(x45, w12, tc_mac_high_low(x23, w01, *acc3));
  } else {
    const uint32_t x23 = tc_word(x, 1);
    const uint32_t x45 = tc_word(x, 2);
    const uint32_t x67 = tc_word(x, 3);
    *acc0 = tc_mac_low_high(x23, w12, tc_dual_mac(tc_word(x, 0), w01, *acc0));
    *acc1 = tc_mac_low_high(x45, w12, tc_dual_mac(x23, w01, *acc1));
    *acc2 = tc_mac_low_high(x67, w12, tc_dual_mac(x45, w01, *acc2));
    *acc3 = tc_mac_low_high(tc_word(x, 4), w12, tc_dual_mac(x67, w01, *acc3));
  }
}
#define TC_TAPS3_WORDS 2

/* The weights of a channel, steps of a and b between them. Returns what the plane's offset adds to the sum. */
TC_INLINE int32_t tc_weights3x3(const int8_t* from, int32_t* to, int32_t step_a, int32_t step_b) {
  for (int32_t b = 0; b < 3; ++b) {
    const uint32_t w1 = (uint32_t)from[step_a];
    to[0] = (int32_t)(((uint32_t)from[0] & 0xFFFFU) | w1 << 16);
    to[1] = (int32_t)((w1 & 0xFFFFU) | (uint32_t)from[2 * step_a] << 16);
    to += 2;
    from += step_b;
  }
  return 0;
}

#else

TC_INLINE void tc_taps3(const tc_plane* x, const int32_t* w, int32_t stride, int32_t* acc0, int32_t* acc1,
                        int32_t* acc2, int32_t* acc3) {
  const int32_t w0 = w[0];
  const int32_t w1 = w[1];
  const int32_t w2 = w[2];
  *acc0 += x[0] * w0 + x[1] * w1 + x[2] * w2;
  *acc1 += x[stride] * w0 + x[stride + 1] * w1 + x[stride + 2] * w2;
  *acc2 += x[2 * stride] * w0 + x[2 * stride + 1] * w1 + x[2 * stride + 2] * w2;
  *acc3 += x[3 * stride] * w0 + x[3 * stride + 1] * w1 + x[3 * stride + 2] * w2;
}
#define TC_TAPS3_WORDS 3

TC_INLINE int32_t tc_weights3x3(const int8_t* from, int32_t* to, int32_t step_a, int32_t step_b) {
  int32_t sum = 0;
  for (int32_t b = 0; b < 3; ++b) {
    to[0] = from[0];
    to[1] = from[step_a];
    to[2] = from[2 * step_a];
    sum += to[0] + to[1] + to[2];
    to += 3;
    from += step_b;
  }
  return sum * TC_PLANE_OFFSET;
}
#endif

TC_INLINE int8_t tc_requantize_s8(int32_t acc, int32_t multiplier, int32_t rounding, int32_t shift) {
  return (int8_t)tc_clamp(tc_requantize(acc, multiplier, rounding, shift), -128, 127);
}

/* One channel, four outputs at a time. The last of a line may be fewer: the others then go where a right one is
 * written after them. */
TC_INLINE void tc_lines3x3(const tc_plane* plane, const int32_t* w, int8_t* out, int32_t size, int32_t lines,
                           int32_t width, int32_t step_a, int32_t step_b, int32_t stride, int32_t bias,
                           int32_t multiplier, int32_t rounding, int32_t shift) {
  for (; lines > 0; --lines) {
    const tc_plane* x = plane;
    int8_t* to = out;
    int32_t step1 = step_a;
    int32_t step2 = 2 * step_a;
    int32_t step3 = 3 * step_a;
    for (int32_t left = size; left > 0; left -= 4) {
      int32_t acc0 = bias;
      int32_t acc1 = bias;
      int32_t acc2 = bias;
      int32_t acc3 = bias;
      tc_taps3(x, w, stride, &acc0, &acc1, &acc2, &acc3);
      tc_taps3(x + width, w + TC_TAPS3_WORDS, stride, &acc0, &acc1, &acc2, &acc3);
      tc_taps3(x + 2 * width, w + 2 * TC_TAPS3_WORDS, stride, &acc0, &acc1, &acc2, &acc3);
      if (left < 4) {
        step1 = left > 1 ? step_a : 0;
        step2 = left > 2 ? 2 * step_a : step1;
        step3 = step2;
      }
      to[step3] = tc_requantize_s8(acc3, multiplier, rounding, shift);
      to[step2] = tc_requantize_s8(acc2, multiplier, rounding, shift);
      to[step1] = tc_requantize_s8(acc1, multiplier, rounding, shift);
      to[0] = tc_requantize_s8(acc0, multiplier, rounding, shift);
      x += 4 * stride;
      to += 4 * step_a;
    }
    plane += stride * width;
    out += step_b;
  }
}

TC_FN void tc_depthwise3x3_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights,
                              const int32_t* channels, int32_t in_h, int32_t in_w, int32_t count, int32_t out_h,
                              int32_t out_w, int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
                              int32_t in_zero, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  const int tall = ((out_h + 3) >> 2) * out_w < ((out_w + 3) >> 2) * out_h;
  const int32_t in_a = tall ? in_h : in_w, in_b = tall ? in_w : in_h;
  const int32_t pad_a = tall ? pad_top : pad_left, pad_b = tall ? pad_left : pad_top;
  const int32_t out_a = tall ? out_h : out_w, out_b = tall ? out_w : out_h;
  const int32_t in_step = tall ? in_w * count : count, in_line = tall ? count : in_w * count;
  const int32_t out_step = tall ? out_w * count : count, out_line = tall ? count : out_w * count;
  const int32_t width = 4 * stride_h * ((out_a + 3) >> 2) + 2;
  const int32_t height = (out_b - 1) * stride_h + 3;
  const int32_t columns = in_a < width - pad_a ? in_a : width - pad_a;
  const int32_t rows = in_b < height - pad_b ? in_b : height - pad_b;
  int32_t* const w = (int32_t*)scratch;
  tc_plane* const plane = (tc_plane*)(w + 16);
  (void)stride_w;
  tc_plane_fill(plane, height * width, in_zero);
  for (int32_t c = 0; c < count; ++c) {
    const int32_t bias = channels[2 * c] - tc_weights3x3(weights + 12 * c, w, tall ? 3 : 1, tall ? 1 : 3);
    tc_plane_load(in + c, plane + pad_b * width + pad_a, rows, columns, in_line, in_step, width);
    if (stride_h == 1)
      tc_lines3x3(plane, w, out + c, out_a, out_b, width, out_step, out_line, 1, bias, channels[2 * c + 1], rounding,
                  shift);
    else
      tc_lines3x3(plane, w, out + c, out_a, out_b, width, out_step, out_line, 2, bias, channels[2 * c + 1], rounding,
                  shift);
  }
  tc_clamp_bytes(out, out_h * out_w * count, low, high);
}

#endif

#endif
