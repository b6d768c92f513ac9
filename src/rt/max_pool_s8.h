/* Max pooling. Padded cells never win; at least one cell of each window lies inside the image.
 *
 * out = clamp(max of the window, low, high): the grid stays, low and high carry a Relu behind it.
 *
 * Memory: no scratch. Overlap, where out_w <= in_w: out may start (pad_top * in_w + pad_left) * count bytes below in;
 * so at in where there is no padding. Right because pixels are written in order, each after its window was read, and
 * the window of every later pixel lies behind it.
 */
#ifndef TC_MAX_POOL_S8_H
#define TC_MAX_POOL_S8_H

#include "base.h"

/* tc_max_window_s8: one output pixel; the window is h rows of w pixels, row_bytes and pixel_bytes apart. */
#ifdef TC_MVE
TC_FN void tc_max_window_s8(const int8_t* in, int8_t* out, int32_t h, int32_t w, int32_t row_bytes, int32_t pixel_bytes,
                            int32_t count, int32_t low, int32_t high) {
  for (int32_t c = 0; c < count; c += 16) {
    const mve_pred16_t some = vctp8q((uint32_t)(count - c));
    int8x16_t max = vdupq_n_s8((int8_t)low);
    for (int32_t y = 0; y < h; ++y) {
      const int8_t* from = in + y * row_bytes + c;
      for (int32_t x = 0; x < w; ++x) {
        max = vmaxq_s8(max, vldrbq_z_s8(from, some));
        from += pixel_bytes;
      }
    }
    vstrbq_p_s8(out + c, vminq_s8(max, vdupq_n_s8((int8_t)high)), some);
  }
}

#else

TC_FN void tc_max_window_s8(const int8_t* in, int8_t* out, int32_t h, int32_t w, int32_t row_bytes, int32_t pixel_bytes,
                            int32_t count, int32_t low, int32_t high) {
  int32_t c = 0;
#if defined(TC_DSP)
  for (; c + 4 <= count; c += 4) {
    uint32_t max = ((uint32_t)low & 0xFFU) * 0x01010101U;
    uint32_t flags;
    for (int32_t y = 0; y < h; ++y) {
      const int8_t* from = in + y * row_bytes + c;
      for (int32_t x = 0; x < w; ++x) {
        __asm__ volatile("ssub8 %0, %1, %2\n\tsel %1, %1, %2" : "=&r"(flags), "+r"(max) : "r"(tc_load4(from)));
        from += pixel_bytes;
      }
    }
    const uint32_t most = ((uint32_t)high & 0xFFU) * 0x01010101U;
    __asm__ volatile("ssub8 %0, %2, %1\n\tsel %1, %1, %2" : "=&r"(flags), "+r"(max) : "r"(most));
    tc_store4(out + c, max);
  }
#else
  for (; c + 4 <= count; c += 4) {
    int32_t max0 = low;
    int32_t max1 = low;
    int32_t max2 = low;
    int32_t max3 = low;
    for (int32_t y = 0; y < h; ++y) {
      const int8_t* from = in + y * row_bytes + c;
      for (int32_t x = w; x > 0; --x) {
        max0 = from[0] > max0 ? from[0] : max0;
        max1 = from[1] > max1 ? from[1] : max1;
        max2 = from[2] > max2 ? from[2] : max2;
        max3 = from[3] > max3 ? from[3] : max3;
        from += pixel_bytes;
      }
    }
    out[c] = (int8_t)(max0 > high ? high : max0);
    out[c + 1] = (int8_t)(max1 > high ? high : max1);
    out[c + 2] = (int8_t)(max2 > high ? high : max2);
    out[c + 3] = (int8_t)(max3 > high ? high : max3);
  }
#endif
  for (; c < count; ++c) {
    int32_t max = low;
    for (int32_t y = 0; y < h; ++y) {
      const int8_t* from = in + y * row_bytes + c;
      for (int32_t x = 0; x < w; ++x) {
        max = *from > max ? *from : max;
        from += pixel_bytes;
      }
    }
    out[c] = (int8_t)(max > high ? high : max);
  }
}
#endif

TC_FN void tc_max_pool_s8(const int8_t* in, int8_t* out, int32_t in_h, int32_t in_w, int32_t count, int32_t out_h,
                          int32_t out_w, int32_t kernel_h, int32_t kernel_w, int32_t stride_h, int32_t stride_w,
                          int32_t pad_top, int32_t pad_left, int32_t dilation_h, int32_t dilation_w, int32_t low,
                          int32_t high) {
  int32_t top = -pad_top;
  for (int32_t oy = 0; oy < out_h; ++oy, top += stride_h) {
    int32_t y = top;
    int32_t h = kernel_h;
    while (y < 0) y += dilation_h, --h;
    while (y + (h - 1) * dilation_h >= in_h) --h;
    int32_t left = -pad_left;
    for (int32_t ox = 0; ox < out_w; ++ox, left += stride_w) {
      int32_t x = left;
      int32_t w = kernel_w;
      while (x < 0) x += dilation_w, --w;
      while (x + (w - 1) * dilation_w >= in_w) --w;
      tc_max_window_s8(in + (y * in_w + x) * count, out, h, w, in_w * count * dilation_h, count * dilation_w, count,
                       low, high);
      out += count;
    }
  }
}

#endif
