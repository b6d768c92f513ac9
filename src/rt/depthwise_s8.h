/* Depthwise convolution of any kernel size and stride, without dilation, one output per channel.
 *
 * out = clamp(requantize(bias + sum over the window of q * weight)), padding counts as in_zero.
 * Method: each channel becomes a padded plane (depthwise_plane.h); DSP takes two taps per multiply, from a row of
 * weights widened once per channel, MVE a row of up to 16 taps at once; a line's
 * outputs come four at a time. Kernels of 3x3 with stride 1 or 2 are faster in
 * depthwise3x3_s8.h.
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

/* tc_depthwise_window: the sum of one output. tc_depthwise_windows: of four, whose windows are `step` elements apart,
 * so that a weight is loaded once for all. w: the kernel's rows, in the DSP path as int16 padded with a zero to pairs.
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
  for (; kernel_h > 0; --kernel_h) {
    for (int32_t k = 0; k < kernel_w; k += 16) {
      const mve_pred16_t taps = vctp8q((uint32_t)(kernel_w - k));
      const int8x16_t weight = vldrbq_z_s8(w + k, taps);
      acc0 = vmladavaq_s8(acc0, vldrbq_z_s8(x + k, taps), weight);
      acc1 = vmladavaq_s8(acc1, vldrbq_z_s8(x + k + step, taps), weight);
      acc2 = vmladavaq_s8(acc2, vldrbq_z_s8(x + k + 2 * step, taps), weight);
      acc3 = vmladavaq_s8(acc3, vldrbq_z_s8(x + k + 3 * step, taps), weight);
    }
    x += width;
    w += kernel_w;
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
    for (int32_t k = kernel_w; k > 0; k -= 2) {
      const uint32_t weight = tc_load4(w);
      acc0 = tc_dual_mac(tc_load4(from), weight, acc0);
      acc1 = tc_dual_mac(tc_load4(from + step), weight, acc1);
      acc2 = tc_dual_mac(tc_load4(from + 2 * step), weight, acc2);
      acc3 = tc_dual_mac(tc_load4(from + 3 * step), weight, acc3);
      from += 2;
      w += 2;
    }
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
TC_FN void tc_depthwise_line(const tc_plane* x, int8_t* out, const tc_tap* w, const int32_t* channel, int32_t bias,
                             int32_t size, int32_t count, int32_t kernel_h, int32_t kernel_w, int32_t width,
                             int32_t stride, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  const int32_t multiplier = channel[1];
  for (; size >= 4; size -= 4) {
    int32_t a = bias, b, c, d;
    tc_depthwise_windows(x, w, kernel_h, kernel_w, width, stride, &a, &b, &c, &d);
    out[0] = (int8_t)tc_clamp_s8(tc_requantize(a, multiplier, rounding, shift), low, high);
    out[count] = (int8_t)tc_clamp_s8(tc_requantize(b, multiplier, rounding, shift), low, high);
    out[2 * count] = (int8_t)tc_clamp_s8(tc_requantize(c, multiplier, rounding, shift), low, high);
    out[3 * count] = (int8_t)tc_clamp_s8(tc_requantize(d, multiplier, rounding, shift), low, high);
    out += 4 * count;
    x += 4 * stride;
  }
  for (; size > 0; --size) {
    const int32_t acc = tc_depthwise_window(x, w, bias, kernel_h, kernel_w, width);
    *out = (int8_t)tc_clamp_s8(tc_requantize(acc, multiplier, rounding, shift), low, high);
    out += count;
    x += stride;
  }
}

TC_FN void tc_depthwise_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights, const int32_t* channels,
                           int32_t in_h, int32_t in_w, int32_t count, int32_t out_h, int32_t out_w, int32_t kernel_h,
                           int32_t kernel_w, int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
                           int32_t in_zero, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  const int32_t height = (out_h - 1) * stride_h + kernel_h;
  const int32_t width = (out_w - 1) * stride_w + kernel_w + 1;
  const int32_t rows = in_h < height - pad_top ? in_h : height - pad_top;
  const int32_t columns = in_w < width - pad_left ? in_w : width - pad_left;
  const int32_t taps = kernel_h * kernel_w;
#ifdef TC_DSP
  tc_tap* const wide = (tc_tap*)scratch;
  tc_plane* const plane = wide + kernel_h * ((kernel_w + 1) & ~1);
#else
  tc_plane* const plane = (tc_plane*)scratch;
#endif
  tc_plane_fill(plane, height * width, in_zero);
  for (int32_t c = 0; c < count; ++c) {
    const int8_t* w = weights + c * ((taps + 3) & ~3);
    int32_t bias = channels[2 * c];
    tc_plane_load(in + c, plane + pad_top * width + pad_left, rows, columns, in_w * count, count, width);
#ifdef TC_DSP
    tc_tap* pair = wide;
    for (int32_t ky = 0; ky < kernel_h; ++ky) {
      for (int32_t kx = 0; kx < kernel_w; ++kx) *pair++ = *w++;
      if (kernel_w & 1) *pair++ = 0;
    }
#elif TC_PLANE_OFFSET
    for (int32_t i = 0; i < taps; ++i) bias -= TC_PLANE_OFFSET * w[i];
#endif
    for (int32_t oy = 0; oy < out_h; ++oy)
#ifdef TC_DSP
      tc_depthwise_line(plane + oy * stride_h * width, out + oy * out_w * count + c, wide, channels + 2 * c, bias,
                        out_w, count, kernel_h, kernel_w, width, stride_w, rounding, shift, low, high);
#else
      tc_depthwise_line(plane + oy * stride_h * width, out + oy * out_w * count + c, w, channels + 2 * c, bias, out_w,
                        count, kernel_h, kernel_w, width, stride_w, rounding, shift, low, high);
#endif
  }
  tc_clamp_rest(out, out_h * out_w * count, low, high);
}

#endif
