/* Pools and reductions of floats.
 *
 * tc_pool_f32    the largest (average = 0) or the mean (1: of the cells inside the image, 2: divided by all cells of
 * the window) of each window, by channel. in [in_h][in_w][count], out [out_h][out_w][count]. tc_reduce_f32  over the
 * middle axis of in [outer][cells][inner]: 0 sum, 1 mean, 2 largest, 3 smallest, 4 mean square, 5 sum of magnitudes, 6
 * root of the sum of squares. Sums run in the order of the elements. out must not overlap in. No scratch.
 */
#ifndef TC_POOL_F32_H
#define TC_POOL_F32_H

#include "base_f32.h"

TC_FN void tc_pool_f32(const float* in, float* out, int32_t in_h, int32_t in_w, int32_t count, int32_t out_h,
                       int32_t out_w, int32_t kernel_h, int32_t kernel_w, int32_t stride_h, int32_t stride_w,
                       int32_t pad_top, int32_t pad_left, int32_t dilation_h, int32_t dilation_w, int32_t average) {
  for (int32_t y = 0; y < out_h; ++y)
    for (int32_t x = 0; x < out_w; ++x)
      for (int32_t c = 0; c < count; ++c) {
        float sum = 0.0F;
        int32_t cells = 0;
        for (int32_t i = 0; i < kernel_h; ++i) {
          const int32_t row = y * stride_h - pad_top + i * dilation_h;
          if (row < 0 || row >= in_h) continue;
          for (int32_t j = 0; j < kernel_w; ++j) {
            const int32_t column = x * stride_w - pad_left + j * dilation_w;
            if (column < 0 || column >= in_w) continue;
            const float value = in[(row * in_w + column) * count + c];
            if (average != 0)
              sum += value;
            else if (cells == 0 || value > sum)
              sum = value;
            ++cells;
          }
        }
        if (average == 2) cells = kernel_h * kernel_w;
        *out++ = average != 0 ? sum / (float)cells : sum;
      }
}

TC_FN void tc_reduce_f32(const float* in, float* out, int32_t outer, int32_t cells, int32_t inner, int32_t function) {
  for (int32_t o = 0; o < outer; ++o)
    for (int32_t i = 0; i < inner; ++i) {
      const float* from = in + (o * cells * inner + i);
      float sum = function == 2 || function == 3 ? from[0] : 0.0F;
      for (int32_t k = 0; k < cells; ++k) {
        const float value = from[k * inner];
        if (function <= 1)
          sum += value;
        else if (function == 2)
          sum = value > sum ? value : sum;
        else if (function == 3)
          sum = value < sum ? value : sum;
        else if (function == 5)
          sum += tc_abs_f32(value);
        else
          sum += tc_product_f32(value, value);
      }
      if (function == 1 || function == 4) sum /= (float)cells;
      *out++ = function == 6 ? tc_sqrt_f32(sum) : sum;
    }
}

#endif
