/* Depthwise convolution of any kernel size and stride, without dilation, one output per channel.
 *
 * out = clamp(requantize(bias + sum over the window of q * weight)), padding counts as in_zero.
 * Method: each channel becomes a padded plane (depthwise_plane.h); DSP takes two taps per multiply, from a row of
 * weights widened once per channel, MVE a row of up to 16 taps at once. Kernels of 3x3 with stride 1 or 2 are faster in
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

#if defined(TC_MVE)
TC_INLINE int32_t tc_depthwise_window(const tc_plane* x, const int8_t* w, int32_t acc, int32_t kernel_h,
                                      int32_t kernel_w, int32_t width) {
  for (int32_t ky = 0; ky < kernel_h; ++ky) {
    for (int32_t kx = 0; kx < kernel_w; kx += 16) {
      const mve_pred16_t taps = vctp8q((uint32_t)(kernel_w - kx));
      acc = vmladavaq_s8(acc, vldrbq_z_s8(x + kx, taps), vldrbq_z_s8(w + kx, taps));
    }
    x += width;
    w += kernel_w;
  }
  return acc;
}
#elif defined(TC_DSP)
/* w: rows of int16, padded with a zero to pairs. */
TC_INLINE int32_t tc_depthwise_window(const tc_plane* x, const int16_t* w, int32_t acc, int32_t kernel_h,
                                      int32_t kernel_w, int32_t width) {
  for (int32_t ky = 0; ky < kernel_h; ++ky) {
    for (int32_t kx = 0; kx < kernel_w; kx += 2) {
      acc = tc_dual_mac(tc_load4(x + kx), tc_load4(w), acc);
      w += 2;
    }
    x += width;
  }
  return acc;
}
#else
TC_INLINE int32_t tc_depthwise_window(const tc_plane* x, const int8_t* w, int32_t acc, int32_t kernel_h,
                                      int32_t kernel_w, int32_t width) {
  for (int32_t ky = 0; ky < kernel_h; ++ky) {
    for (int32_t kx = 0; kx < kernel_w; ++kx) acc += x[kx] * *w++;
    x += width;
  }
  return acc;
}
#endif

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
  int16_t* const wide = (int16_t*)scratch;
  tc_plane* const plane = wide + kernel_h * ((kernel_w + 1) & ~1);
#else
  tc_plane* const plane = (tc_plane*)scratch;
#endif
  tc_plane_fill(plane, height * width, in_zero);
  for (int32_t c = 0; c < count; ++c) {
    const int8_t* w = weights + c * ((taps + 3) & ~3);
    int32_t bias = channels[2 * c];
    int8_t* to = out + c;
    tc_plane_load(in + c, plane + pad_top * width + pad_left, rows, columns, in_w * count, count, width);
#ifdef TC_DSP
    int16_t* pair = wide;
    for (int32_t ky = 0; ky < kernel_h; ++ky) {
      for (int32_t kx = 0; kx < kernel_w; ++kx) *pair++ = *w++;
      if (kernel_w & 1) *pair++ = 0;
    }
#elif TC_PLANE_OFFSET
    for (int32_t i = 0; i < taps; ++i) bias -= TC_PLANE_OFFSET * w[i];
#endif
    for (int32_t oy = 0; oy < out_h; ++oy) {
      const tc_plane* x = plane + oy * stride_h * width;
      for (int32_t ox = 0; ox < out_w; ++ox) {
#ifdef TC_DSP
        const int32_t acc = tc_depthwise_window(x, wide, bias, kernel_h, kernel_w, width);
#else
        const int32_t acc = tc_depthwise_window(x, w, bias, kernel_h, kernel_w, width);
#endif
        *to = (int8_t)tc_clamp_s8(tc_requantize(acc, channels[2 * c + 1], rounding, shift), low, high);
        to += count;
        x += stride_w;
      }
    }
  }
  tc_clamp_rest(out, out_h * out_w * count, low, high);
}

#endif
