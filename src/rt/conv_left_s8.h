/* Products whose result has a finer grid than a quarter of their own step: any window, any groups; 1x1 and dense layers
 * are windows of one tap. Seldom needed (a layer whose results nearly cancel), so it is short instead of fast.
 *
 * tc_requantize multiplies by less than 1/4. Here the accumulator is first shifted left by `left` bits, and the
 * multipliers are as much smaller: out = clamp(requantize(clamp(acc, -most, most) << left, multiplier)), where most =
 * (2^31 - 1) >> left keeps the shift inside 32 bits. Right, because no sum gets there, or what is cut off is far
 * outside of int8 (proved offline for every channel).
 *
 * weights: [out_c][kernel_h * kernel_w * in_c / groups], rows padded with zeros to multiples of 4 bytes. channels:
 * {bias, multiplier}. Padding counts as in_zero. Memory: no scratch. Overlap: none.
 */
#ifndef TC_CONV_LEFT_S8_H
#define TC_CONV_LEFT_S8_H

#include "base.h"

TC_FN void tc_conv_left_s8(const int8_t* in, int8_t* out, const int8_t* weights, const int32_t* channels, int32_t in_h,
                           int32_t in_w, int32_t in_c, int32_t out_h, int32_t out_w, int32_t out_c, int32_t kernel_h,
                           int32_t kernel_w, int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
                           int32_t dilation_h, int32_t dilation_w, int32_t groups, int32_t in_zero, int32_t left,
                           int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  const int32_t group_c = in_c / groups;
  const int32_t group_out = out_c / groups;
  const int32_t weight_row = (kernel_h * kernel_w * group_c + 3) & ~3;
  const int32_t most = INT32_MAX >> left;
  for (int32_t p = 0; p < out_h * out_w; ++p) {
    const int32_t top = p / out_w * stride_h - pad_top;
    const int32_t side = p % out_w * stride_w - pad_left;
    for (int32_t o = 0; o < out_c; ++o) {
      const int8_t* w = weights + o * weight_row;
      int32_t acc = channels[2 * o];
      for (int32_t tap = 0; tap < kernel_h * kernel_w; ++tap, w += group_c) {
        const int32_t y = top + tap / kernel_w * dilation_h;
        const int32_t x = side + tap % kernel_w * dilation_w;
        const int32_t inside = y >= 0 && y < in_h && x >= 0 && x < in_w;
        const int8_t* from = in + (inside ? (y * in_w + x) * in_c + o / group_out * group_c : 0);
        for (int32_t c = 0; c < group_c; ++c) acc += w[c] * (inside ? from[c] : in_zero);
      }
      acc = tc_clamp(acc, -most, most) * ((int32_t)1 << left);
      *out++ = (int8_t)tc_clamp(tc_requantize(acc, channels[2 * o + 1], rounding, shift), low, high);
    }
  }
}

#endif
