/* Average pooling, and the global average: a kernel as large as the image.
 *
 * out = clamp(requantize(sum of (q - in_zero) over the cells inside the image, multipliers[cells - 1])), where
 * multipliers has an entry for each number of cells from 1 to kernel_h * kernel_w: 1 / cells where padding does not
 * count, else all equal. A padded cell adds zero in both cases. At least one cell of each window lies inside.
 * |sum| <= 255 * cells, so up to 2^23 cells.
 *
 * Memory: no scratch. Overlap, where out_w <= in_w: out may start (pad_top * in_w + pad_left) * count bytes below in;
 * so at in where there is no padding. Right because pixels are written in order, each after its window was read, and
 * the window of every later pixel lies behind it.
 */
#ifndef TC_AVERAGE_POOL_S8_H
#define TC_AVERAGE_POOL_S8_H

#include "base.h"

/* One output pixel: the window is h rows of w pixels, row_bytes apart; offset = -cells * in_zero. */
TC_FN void tc_average_window_s8(const int8_t* in, int8_t* out, int32_t h, int32_t w, int32_t row_bytes, int32_t count,
                                int32_t offset, int32_t multiplier, int32_t rounding, int32_t shift, int32_t low,
                                int32_t high) {
  int32_t c = 0;
  for (; c + 4 <= count; c += 4) {
    int32_t sum0 = offset;
    int32_t sum1 = offset;
    int32_t sum2 = offset;
    int32_t sum3 = offset;
    for (int32_t y = 0; y < h; ++y) {
      const int8_t* from = in + y * row_bytes + c;
      for (int32_t x = 0; x < w; ++x) {
        sum0 += from[0];
        sum1 += from[1];
        sum2 += from[2];
        sum3 += from[3];
        from += count;
      }
    }
    out[c] = (int8_t)tc_clamp(tc_requantize(sum0, multiplier, rounding, shift), low, high);
    out[c + 1] = (int8_t)tc_clamp(tc_requantize(sum1, multiplier, rounding, shift), low, high);
    out[c + 2] = (int8_t)tc_clamp(tc_requantize(sum2, multiplier, rounding, shift), low, high);
    out[c + 3] = (int8_t)tc_clamp(tc_requantize(sum3, multiplier, rounding, shift), low, high);
  }
  for (; c < count; ++c) {
    int32_t sum = offset;
    for (int32_t y = 0; y < h; ++y) {
      const int8_t* from = in + y * row_bytes + c;
      for (int32_t x = 0; x < w; ++x) {
        sum += *from;
        from += count;
      }
    }
    out[c] = (int8_t)tc_clamp(tc_requantize(sum, multiplier, rounding, shift), low, high);
  }
}

TC_FN void tc_average_pool_s8(const int8_t* in, int8_t* out, const int32_t* multipliers, int32_t in_h, int32_t in_w,
                              int32_t count, int32_t out_h, int32_t out_w, int32_t kernel_h, int32_t kernel_w,
                              int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left, int32_t in_zero,
                              int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  int32_t top = -pad_top;
  for (int32_t oy = 0; oy < out_h; ++oy, top += stride_h) {
    const int32_t y0 = top < 0 ? 0 : top;
    const int32_t y1 = top + kernel_h < in_h ? top + kernel_h : in_h;
    int32_t left = -pad_left;
    for (int32_t ox = 0; ox < out_w; ++ox, left += stride_w) {
      const int32_t x0 = left < 0 ? 0 : left;
      const int32_t x1 = left + kernel_w < in_w ? left + kernel_w : in_w;
      const int32_t cells = (y1 - y0) * (x1 - x0);
      tc_average_window_s8(in + (y0 * in_w + x0) * count, out, y1 - y0, x1 - x0, in_w * count, count, -cells * in_zero,
                           multipliers[cells - 1], rounding, shift, low, high);
      out += count;
    }
  }
}

#endif
