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

/* k, what a block of four outputs needs, in scratch: bias, weights, multiplier, rounding, shift. */
#ifdef TC_DSP

#define TC_WEIGHTS3X3 6

TC_INLINE void tc_constants3x3(const int8_t* from, int32_t* k, int32_t step_a, int32_t step_b, int32_t bias) {
  *k++ = bias;
  for (int32_t b = 0; b < 3; ++b) {
    const uint32_t w1 = (uint32_t)from[step_a];
    *k++ = (int32_t)(((uint32_t)from[0] & 0xFFFFU) | w1 << 16);
    *k++ = (int32_t)((w1 & 0xFFFFU) | (uint32_t)from[2 * step_a] << 16);
    from += step_b;
  }
}

/* Three taps of four outputs: u and v are (w0 w1) and (w1 w2). The first addends are the bias, in d. */
#define TC_TAPS_STRIDE1(a, b, c)     \
  "ldrd %[u], %[v], [%[k]], #8\n\t"  \
  "ldm %[x], {r8, r9, r10}\n\t"      \
  "smlad %[a], r8, %[u], %[" #a      \
  "]\n\t"                            \
  "smlatb %[b], r8, %[u], %[" #b     \
  "]\n\t"                            \
  "smlad %[c], r9, %[u], %[" #c      \
  "]\n\t"                            \
  "smlatb %[d], r9, %[u], %[d]\n\t"  \
  "smlabt %[a], r9, %[v], %[a]\n\t"  \
  "smlad %[b], r9, %[v], %[b]\n\t"   \
  "smlabt %[c], r10, %[v], %[c]\n\t" \
  "smlad %[d], r10, %[v], %[d]\n\t"

#define TC_TAPS_STRIDE2(a, b, c)     \
  "ldrd %[u], %[v], [%[k]], #8\n\t"  \
  "ldm %[x], {r8, r9, r10}\n\t"      \
  "smlad %[a], r8, %[u], %[" #a      \
  "]\n\t"                            \
  "ldr r8, [%[x], #12]\n\t"          \
  "smlad %[b], r9, %[u], %[" #b      \
  "]\n\t"                            \
  "smlabt %[a], r9, %[v], %[a]\n\t"  \
  "ldr r9, [%[x], #16]\n\t"          \
  "smlad %[c], r10, %[u], %[" #c     \
  "]\n\t"                            \
  "smlabt %[b], r10, %[v], %[b]\n\t" \
  "smlad %[d], r8, %[u], %[d]\n\t"   \
  "smlabt %[c], r8, %[v], %[c]\n\t"  \
  "smlabt %[d], r9, %[v], %[d]\n\t"

#define TC_FINISH(acc)         \
  "smmla %[" #acc "], %[" #acc \
  "], r8, r9\n\t"              \
  "asr %[" #acc "], %[" #acc   \
  "], r10\n\t"                 \
  "ssat %[" #acc "], #8, %[" #acc "]\n\t"

#define TC_BLOCK(taps)                                                                                            \
  __asm__ volatile(                                                                                               \
      "ldr %[d], [%[k]], #4\n\t" taps(d, d, d) "add %[x], %[x], %[width]\n\t" taps(                               \
          a, b, c) "add %[x], %[x], %[width]\n\t" taps(a, b, c) "ldm %[k], {r8, r9, r10}\n\t" TC_FINISH(a)        \
          TC_FINISH(b) TC_FINISH(c) TC_FINISH(d)                                                                  \
      : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [x] "+r"(row), [k] "+r"(constants), [u] "=&r"(u), \
        [v] "=&r"(v)                                                                                              \
      : [width] "r"(width)                                                                                        \
      : "r8", "r9", "r10", "memory")

/* Four outputs, saturated. width in bytes. */
#define TC_BLOCK_FUNCTION(name, taps)                                                                         \
  TC_INLINE void name(const tc_plane* row, const int32_t* constants, int32_t width, int32_t* q0, int32_t* q1, \
                      int32_t* q2, int32_t* q3) {                                                             \
    int32_t a, b, c, d;                                                                                       \
    uint32_t u, v;                                                                                            \
    TC_BLOCK(taps);                                                                                           \
    *q0 = a;                                                                                                  \
    *q1 = b;                                                                                                  \
    *q2 = c;                                                                                                  \
    *q3 = d;                                                                                                  \
  }
TC_BLOCK_FUNCTION(tc_block_stride1, TC_TAPS_STRIDE1)
TC_BLOCK_FUNCTION(tc_block_stride2, TC_TAPS_STRIDE2)

TC_INLINE void tc_block3x3(const tc_plane* x, const int32_t* k, int32_t width, int32_t stride, int32_t* a, int32_t* b,
                           int32_t* c, int32_t* d) {
  if (stride == 1)
    tc_block_stride1(x, k, 2 * width, a, b, c, d);
  else
    tc_block_stride2(x, k, 2 * width, a, b, c, d);
}

#else

#define TC_WEIGHTS3X3 9

TC_INLINE void tc_constants3x3(const int8_t* from, int32_t* k, int32_t step_a, int32_t step_b, int32_t bias) {
  int32_t sum = 0;
  for (int32_t b = 0; b < 3; ++b) {
    k[3 * b + 1] = from[0];
    k[3 * b + 2] = from[step_a];
    k[3 * b + 3] = from[2 * step_a];
    sum += from[0] + from[step_a] + from[2 * step_a];
    from += step_b;
  }
  k[0] = bias - sum * TC_PLANE_OFFSET;
}

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

TC_INLINE int32_t tc_requantize_s8(int32_t acc, int32_t multiplier, int32_t rounding, int32_t shift) {
  return tc_saturate(tc_requantize(acc, multiplier, rounding, shift));
}

TC_INLINE void tc_block3x3(const tc_plane* x, const int32_t* k, int32_t width, int32_t stride, int32_t* a, int32_t* b,
                           int32_t* c, int32_t* d) {
  int32_t acc0 = k[0];
  int32_t acc1 = acc0;
  int32_t acc2 = acc0;
  int32_t acc3 = acc0;
  tc_taps3(x, k + 1, stride, &acc0, &acc1, &acc2, &acc3);
  tc_taps3(x + width, k + 4, stride, &acc0, &acc1, &acc2, &acc3);
  tc_taps3(x + 2 * width, k + 7, stride, &acc0, &acc1, &acc2, &acc3);
  *a = tc_requantize_s8(acc0, k[10], k[11], k[12]);
  *b = tc_requantize_s8(acc1, k[10], k[11], k[12]);
  *c = tc_requantize_s8(acc2, k[10], k[11], k[12]);
  *d = tc_requantize_s8(acc3, k[10], k[11], k[12]);
}
#endif

/* One channel, four outputs at a time. The last of a line may be fewer: the others then go where a right one is
 * written after them. */
TC_INLINE void tc_lines3x3(const tc_plane* plane, const int32_t* k, int8_t* out, int32_t size, int32_t lines,
                           int32_t width, int32_t step_a, int32_t step_b, int32_t stride) {
  for (; lines > 0; --lines) {
    const tc_plane* x = plane;
    int8_t* to = out;
    int32_t step1 = step_a;
    int32_t step2 = 2 * step_a;
    int32_t step3 = 3 * step_a;
    for (int32_t left = size; left > 0; left -= 4) {
      int32_t a, b, c, d;
      tc_block3x3(x, k, width, stride, &a, &b, &c, &d);
      if (left < 4) {
        step1 = left > 1 ? step_a : 0;
        step2 = left > 2 ? 2 * step_a : step1;
        step3 = step2;
      }
      to[step3] = (int8_t)d;
      to[step2] = (int8_t)c;
      to[step1] = (int8_t)b;
      to[0] = (int8_t)a;
      x += 4 * stride;
      to += 4 * step_a;
    }
    plane += stride * width;
    out += step_b;
  }
}

TC_NOINLINE void tc_lines3x3_stride1(const tc_plane* plane, const int32_t* k, int8_t* out, int32_t size, int32_t lines,
                                     int32_t width, int32_t step_a, int32_t step_b) {
  tc_lines3x3(plane, k, out, size, lines, width, step_a, step_b, 1);
}

TC_NOINLINE void tc_lines3x3_stride2(const tc_plane* plane, const int32_t* k, int8_t* out, int32_t size, int32_t lines,
                                     int32_t width, int32_t step_a, int32_t step_b) {
  tc_lines3x3(plane, k, out, size, lines, width, step_a, step_b, 2);
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
  int32_t* const k = (int32_t*)scratch;
  int32_t* const after = k + TC_WEIGHTS3X3 + 1;
  tc_plane* const plane = (tc_plane*)(k + 16);
  (void)stride_w;
  tc_plane_fill(plane, height * width, in_zero);
  after[1] = rounding;
  after[2] = shift;
  for (int32_t c = 0; c < count; ++c) {
    tc_constants3x3(weights + 12 * c, k, tall ? 3 : 1, tall ? 1 : 3, channels[2 * c]);
    after[0] = channels[2 * c + 1];
    tc_plane_load(in + c, plane + pad_b * width + pad_a, rows, columns, in_line, in_step, width);
    if (stride_h == 1)
      tc_lines3x3_stride1(plane, k, out + c, out_a, out_b, width, out_step, out_line);
    else
      tc_lines3x3_stride2(plane, k, out + c, out_a, out_b, width, out_step, out_line);
  }
  tc_clamp_bytes(out, out_h * out_w * count, low, high);
}

#endif

#endif
