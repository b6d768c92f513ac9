/* Depthwise convolution of any kernel size and stride, without dilation, one output per channel.
 *
 * out = clamp(requantize(bias + sum over the window of q * weight)), padding counts as in_zero.
 * Method: each channel becomes a padded plane (depthwise_plane.h); DSP takes two taps per multiply, from a row of
 * weights widened once per channel, MVE a row of up to 16 taps at once. A line's outputs come four at a time; where the
 * kernel is higher than wide, lines are columns. Kernels of 3x3 with stride 1 or 2 are faster in depthwise3x3_s8.h.
 *
 * weights: [count][kernel_h * kernel_w], each row padded with zeros to a multiple of 4 bytes. channels: {bias,
 * multiplier}. |bias| + 128 * 127 * 3 * kernel_h * kernel_w < 2^31.
 * Memory: scratch of 2 * (kernel_h * (kernel_w + 1) + H * (W + 1)) bytes, H = (out_h - 1) * stride_h + kernel_h and
 * W = (out_w - 1) * stride_w + kernel_w.
 * Overlap: out may start at in (whatever the shapes), or not overlap.
 */
#ifndef TC_DEPTHWISE_S8_H
#define TC_DEPTHWISE_S8_H

#include "base.h"
#include "depthwise_plane.h"

/* x: lines of the plane. tc_depthwise_window: the sum of one output. tc_depthwise_windows: of four, whose windows are
 * `step` elements apart, so that a weight is loaded once for all. w: the kernel's rows, in the DSP path as int16 padded
 * with a zero to pairs.
 */
#if defined(TC_MVE)
typedef int8_t tc_tap;

TC_INLINE int32_t tc_depthwise_window(const tc_plane* x, const tc_tap* w, int32_t acc, int32_t kernel_h,
                                      int32_t kernel_w, int32_t width) {
  for (; kernel_h > 0; --kernel_h) {
    for (int32_t k = 0; k < kernel_w; k += 16) {
      const mve_pred16_t taps = vctp8q((uint32_t)(kernel_w - k));
      acc = vmladavaq_s8(acc, vldrbq_z_s8(x + k, taps), vldrbq_z_s8(w + k, taps));
    }
    x += width;
    w += kernel_w;
  }
  return acc;
}

TC_INLINE void tc_depthwise_windows(const tc_plane* x, const tc_tap* w, int32_t kernel_h, int32_t kernel_w,
                                    int32_t width, int32_t step, int32_t* a, int32_t* b, int32_t* c, int32_t* d) {
  int32_t acc0 = *a, acc1 = acc0, acc2 = acc0, acc3 = acc0;
  for (int32_t k = 0; k < kernel_w; k += 16) {
    const tc_plane* from = x + k;
    const tc_tap* weight = w + k;
    const uint32_t mask = vctp8q((uint32_t)(kernel_w - k));
    for (int32_t lines = kernel_h; lines > 0; --lines) {
      const tc_plane* at;
      int8x16_t q, taps;
      __asm__ volatile(
          "vmsr p0, %[mask]\n\t"
          "add %[at], %[x], %[step]\n\t"
          "vpstttt\n\t"
          "vldrbt.u8 %q[w], [%[weight]]\n\t"
          "vldrbt.u8 %q[q], [%[x]]\n\t"
          "vmladavat.s8 %[a], %q[q], %q[w]\n\t"
          "vldrbt.u8 %q[q], [%[at]]\n\t"
          "add %[at], %[at], %[step]\n\t"
          "vpsttt\n\t"
          "vmladavat.s8 %[b], %q[q], %q[w]\n\t"
          "vldrbt.u8 %q[q], [%[at]]\n\t"
          "vmladavat.s8 %[c], %q[q], %q[w]\n\t"
          "add %[at], %[at], %[step]\n\t"
          "vpstt\n\t"
          "vldrbt.u8 %q[q], [%[at]]\n\t"
          "vmladavat.s8 %[d], %q[q], %q[w]\n\t"
          : [q] "=&w"(q), [w] "=&w"(taps), [a] "+Te"(acc0), [b] "+Te"(acc1), [c] "+Te"(acc2), [d] "+Te"(acc3),
            [at] "=&r"(at)
          : [x] "r"(from), [weight] "r"(weight), [mask] "r"(mask), [step] "r"(step)
          : "p0", "memory");
      from += width;
      weight += kernel_w;
    }
  }
  *a = acc0, *b = acc1, *c = acc2, *d = acc3;
}

#elif defined(TC_DSP)
typedef int16_t tc_tap;

TC_INLINE int32_t tc_depthwise_window(const tc_plane* x, const tc_tap* w, int32_t acc, int32_t kernel_h,
                                      int32_t kernel_w, int32_t width) {
  for (; kernel_h > 0; --kernel_h) {
    for (int32_t k = 0; k < kernel_w; k += 2) {
      acc = tc_dual_mac(tc_load4(x + k), tc_load4(w), acc);
      w += 2;
    }
    x += width;
  }
  return acc;
}

TC_INLINE void tc_depthwise_windows(const tc_plane* x, const tc_tap* w, int32_t kernel_h, int32_t kernel_w,
                                    int32_t width, int32_t step, int32_t* a, int32_t* b, int32_t* c, int32_t* d) {
  int32_t acc0 = *a, acc1 = acc0, acc2 = acc0, acc3 = acc0;
  for (; kernel_h > 0; --kernel_h) {
    const tc_plane* from = x;
    int32_t k = kernel_w;
    uint32_t weight;
    uint32_t pair;
    __asm__ volatile(
        "1:\n\t"
        "ldr %[weight], [%[w]], #4\n\t"
        "ldr %[pair], [%[x], %[step]]\n\t"
        "subs %[k], %[k], #2\n\t"
        "smlad %[b], %[pair], %[weight], %[b]\n\t"
        "ldr %[pair], [%[x], %[step], lsl #1]\n\t"
        "smlad %[c], %[pair], %[weight], %[c]\n\t"
        "ldr %[pair], [%[x], %[step3]]\n\t"
        "smlad %[d], %[pair], %[weight], %[d]\n\t"
        "ldr %[pair], [%[x]], #4\n\t"
        "smlad %[a], %[pair], %[weight], %[a]\n\t"
        "bgt 1b\n\t"
        : [a] "+r"(acc0), [b] "+r"(acc1), [c] "+r"(acc2), [d] "+r"(acc3), [x] "+r"(from), [w] "+r"(w), [k] "+r"(k),
          [weight] "=&r"(weight), [pair] "=&r"(pair)
        : [step] "r"(2 * step), [step3] "r"(6 * step)
        : "cc", "memory");
    x += width;
  }
  *a = acc0, *b = acc1, *c = acc2, *d = acc3;
}

#else
typedef int8_t tc_tap;

TC_INLINE int32_t tc_depthwise_window(const tc_plane* x, const tc_tap* w, int32_t acc, int32_t kernel_h,
                                      int32_t kernel_w, int32_t width) {
  for (; kernel_h > 0; --kernel_h) {
    for (int32_t k = 0; k < kernel_w; ++k) acc += x[k] * *w++;
    x += width;
  }
  return acc;
}

TC_INLINE void tc_depthwise_windows(const tc_plane* x, const tc_tap* w, int32_t kernel_h, int32_t kernel_w,
                                    int32_t width, int32_t step, int32_t* a, int32_t* b, int32_t* c, int32_t* d) {
  int32_t acc0 = *a, acc1 = acc0, acc2 = acc0, acc3 = acc0;
  for (; kernel_h > 0; --kernel_h) {
    const tc_plane* from = x;
    for (int32_t k = kernel_w; k > 0; --k) {
      const int32_t weight = *w++;
      acc0 += from[0] * weight;
      acc1 += from[step] * weight;
      acc2 += from[2 * step] * weight;
      acc3 += from[3 * step] * weight;
      ++from;
    }
    x += width;
  }
  *a = acc0, *b = acc1, *c = acc2, *d = acc3;
}
#endif

/* One line of one channel. */
TC_NOINLINE void tc_depthwise_line(const tc_plane* x, int8_t* out, const tc_tap* w, int32_t bias, int32_t multiplier,
                                   int32_t size, int32_t step, int32_t kernel_h, int32_t kernel_w, int32_t width,
                                   int32_t stride, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  for (; size >= 4; size -= 4) {
    int32_t a = bias, b, c, d;
    tc_depthwise_windows(x, w, kernel_h, kernel_w, width, stride, &a, &b, &c, &d);
    out[0] = (int8_t)tc_clamp_s8(tc_requantize(a, multiplier, rounding, shift), low, high);
    out[step] = (int8_t)tc_clamp_s8(tc_requantize(b, multiplier, rounding, shift), low, high);
    out[2 * step] = (int8_t)tc_clamp_s8(tc_requantize(c, multiplier, rounding, shift), low, high);
    out[3 * step] = (int8_t)tc_clamp_s8(tc_requantize(d, multiplier, rounding, shift), low, high);
    out += 4 * step;
    x += 4 * stride;
  }
  for (; size > 0; --size) {
    const int32_t acc = tc_depthwise_window(x, w, bias, kernel_h, kernel_w, width);
    *out = (int8_t)tc_clamp_s8(tc_requantize(acc, multiplier, rounding, shift), low, high);
    out += step;
    x += stride;
  }
}

/* The kernel along the lines, for tc_depthwise_windows. Returns its sum. */
TC_INLINE int32_t tc_depthwise_weights(const int8_t* from, tc_tap* to, int32_t lines, int32_t taps, int32_t line_step,
                                       int32_t step) {
  int32_t sum = 0;
  for (; lines > 0; --lines) {
    for (int32_t i = 0; i < taps; ++i) {
      sum += from[i * step];
      *to++ = from[i * step];
    }
#ifdef TC_DSP
    if (taps & 1) *to++ = 0;
#endif
    from += line_step;
  }
  return sum;
}

TC_FN void tc_depthwise_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights, const int32_t* channels,
                           int32_t in_h, int32_t in_w, int32_t count, int32_t out_h, int32_t out_w, int32_t kernel_h,
                           int32_t kernel_w, int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
                           int32_t in_zero, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  const int32_t full_h = (out_h - 1) * stride_h + kernel_h;
  const int32_t full_w = (out_w - 1) * stride_w + kernel_w;
  const int tall = kernel_w + full_w <= kernel_h + full_h && (kernel_h > kernel_w || out_w < 4);
  const int32_t in_a = tall ? in_h : in_w, in_b = tall ? in_w : in_h;
  const int32_t pad_a = tall ? pad_top : pad_left, pad_b = tall ? pad_left : pad_top;
  const int32_t out_a = tall ? out_h : out_w, out_b = tall ? out_w : out_h;
  const int32_t kernel_a = tall ? kernel_h : kernel_w, kernel_b = tall ? kernel_w : kernel_h;
  const int32_t stride_a = tall ? stride_h : stride_w, stride_b = tall ? stride_w : stride_h;
  const int32_t in_step = tall ? in_w * count : count, in_line = tall ? count : in_w * count;
  const int32_t out_step = tall ? out_w * count : count, out_line = tall ? count : out_w * count;
  const int32_t width = (tall ? full_h : full_w) + 1;
  const int32_t height = tall ? full_w : full_h;
  const int32_t columns = in_a < width - pad_a ? in_a : width - pad_a;
  const int32_t rows = in_b < height - pad_b ? in_b : height - pad_b;
  tc_tap* const w = (tc_tap*)scratch;
  tc_plane* const plane = (tc_plane*)(w + kernel_b * ((kernel_a + 1) & ~1));
  tc_plane_fill(plane, height * width, in_zero);
  for (int32_t c = 0; c < count; ++c) {
    const int32_t sum = tc_depthwise_weights(weights + c * ((kernel_h * kernel_w + 3) & ~3), w, kernel_b, kernel_a,
                                             tall ? 1 : kernel_w, tall ? kernel_w : 1);
    tc_plane_load(in + c, plane + pad_b * width + pad_a, rows, columns, in_line, in_step, width);
    for (int32_t b = 0; b < out_b; ++b)
      tc_depthwise_line(plane + b * stride_b * width, out + b * out_line + c, w,
                        channels[2 * c] - sum * TC_PLANE_OFFSET, channels[2 * c + 1], out_a, out_step, kernel_b,
                        kernel_a, width, stride_a, rounding, shift, low, high);
  }
  tc_clamp_rest(out, out_h * out_w * count, low, high);
}

#endif
