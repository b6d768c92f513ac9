/* Convolution of floats: any window, stride, dilation, padding and groups, depthwise included.
 *
 * in [in_h][in_w][in_c], out [out_h][out_w][out_c], weights [out_c][kernel_h][kernel_w][in_c / groups], bias [out_c],
 * limits {low, high} of the result. A sum runs over rows, columns, channels of the window, from 0, and the bias is
 * added last. Taps outside the image are left out. out must not overlap in. No scratch. Cost: about 6 instructions a
 * multiply-accumulate where there is a floating-point unit, about 100 where there is none.
 */
#ifndef TC_CONV_F32_H
#define TC_CONV_F32_H

#include "base_f32.h"

TC_INLINE float tc_window_f32(const float* in, const float* weights, int32_t in_h, int32_t in_w, int32_t in_c,
                              int32_t group_c, int32_t kernel_h, int32_t kernel_w, int32_t top, int32_t left,
                              int32_t dilation_h, int32_t dilation_w) {
  float sum = 0.0F;
  for (int32_t i = 0; i < kernel_h; ++i) {
    const int32_t row = top + i * dilation_h;
    if (row < 0 || row >= in_h) continue;
    for (int32_t j = 0; j < kernel_w; ++j) {
      const int32_t column = left + j * dilation_w;
      if (column < 0 || column >= in_w) continue;
      const float* pixel = in + (row * in_w + column) * in_c;
      const float* tap = weights + (i * kernel_w + j) * group_c;
      for (int32_t c = 0; c < group_c; ++c) sum += tc_product_f32(pixel[c], tap[c]);
    }
  }
  return sum;
}

TC_FN void tc_conv_f32(const float* in, float* out, const float* weights, const float* bias, const float* limits,
                       int32_t in_h, int32_t in_w, int32_t in_c, int32_t out_h, int32_t out_w, int32_t out_c,
                       int32_t kernel_h, int32_t kernel_w, int32_t stride_h, int32_t stride_w, int32_t pad_top,
                       int32_t pad_left, int32_t dilation_h, int32_t dilation_w, int32_t groups) {
  const int32_t group_c = in_c / groups;
  const int32_t group_out = out_c / groups;
  for (int32_t y = 0; y < out_h; ++y)
    for (int32_t x = 0; x < out_w; ++x)
      for (int32_t o = 0; o < out_c; ++o) {
        const float sum = tc_window_f32(in + o / group_out * group_c, weights + o * kernel_h * kernel_w * group_c, in_h,
                                        in_w, in_c, group_c, kernel_h, kernel_w, y * stride_h - pad_top,
                                        x * stride_w - pad_left, dilation_h, dilation_w);
        *out++ = tc_limit_f32(sum + bias[o], limits[0], limits[1]);
      }
}

#endif
