/* Average pooling, and the global average: a kernel as large as the image.
 *
 * out = clamp(requantize(64 * sum of (q - in_zero) over the cells inside the image, multipliers[cells - fewest])),
 * where multipliers has an entry for each number of cells from `fewest` to kernel_h * kernel_w: 1 / cells where padding
 * does not count, else all equal. A padded cell adds zero in both cases. At least one cell of each window lies inside,
 * and no window has less than `fewest`.
 * The 64 lets the result's grid be finer than the input's. |sum| <= 255 * cells, so up to 2^17 cells.
 * DSP and MVE add int16 where they can: up to 256 cells, as 256 * -128 fits.
 *
 * Memory: no scratch. Overlap, where out_w <= in_w: out may start (pad_top * in_w + pad_left) * count bytes below in;
 * so at in where there is no padding. Right because pixels are written in order, each after its window was read, and
 * the window of every later pixel lies behind it.
 */
#ifndef TC_AVERAGE_POOL_S8_H
#define TC_AVERAGE_POOL_S8_H

#include "base.h"

/* One channel of a window of h rows of w pixels, row_bytes and count bytes apart. */
TC_INLINE int32_t tc_sum_1(const int8_t* in, int32_t h, int32_t w, int32_t row_bytes, int32_t count, int32_t sum) {
  for (; h > 0; --h) {
    const int8_t* from = in;
    for (int32_t x = w; x > 0; --x) {
      sum += *from;
      from += count;
    }
    in += row_bytes;
  }
  return sum;
}

#ifndef TC_MVE
/* Four channels. */
TC_INLINE void tc_sum_4(const int8_t* in, int32_t h, int32_t w, int32_t row_bytes, int32_t count, int32_t* sum0,
                        int32_t* sum1, int32_t* sum2, int32_t* sum3) {
#ifdef TC_DSP
  if (h * w <= 256) {
    uint32_t even = 0;
    uint32_t odd = 0;
    for (; h > 0; --h) {
      const int8_t* from = in;
      for (int32_t x = w; x > 0; --x) {
        const uint32_t word = tc_load4(from);
        __asm__("sxtab16 %0, %0, %1" : "+r"(even) : "r"(word));
        __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(odd) : "r"(word));
        from += count;
      }
      in += row_bytes;
    }
    *sum0 += (int16_t)(even & 0xFFFFU);
    *sum1 += (int16_t)(odd & 0xFFFFU);
    *sum2 += (int16_t)(even >> 16);
    *sum3 += (int16_t)(odd >> 16);
    return;
  }
#endif
  int32_t s0 = *sum0;
  int32_t s1 = *sum1;
  int32_t s2 = *sum2;
  int32_t s3 = *sum3;
  for (; h > 0; --h) {
    const int8_t* from = in;
    for (int32_t x = w; x > 0; --x) {
      s0 += from[0];
      s1 += from[1];
      s2 += from[2];
      s3 += from[3];
      from += count;
    }
    in += row_bytes;
  }
  *sum0 = s0;
  *sum1 = s1;
  *sum2 = s2;
  *sum3 = s3;
}
#endif

/* One output pixel; offset = -cells * in_zero. */
TC_FN void tc_average_window_s8(const int8_t* in, int8_t* out, int32_t h, int32_t w, int32_t row_bytes, int32_t count,
                                int32_t offset, int32_t multiplier, int32_t rounding, int32_t shift, int32_t low,
                                int32_t high) {
  int32_t c = 0;
#ifdef TC_MVE
  const int32_t piece_w = w < 256 ? w : 256;
  const int32_t piece_h = 256 / piece_w;
  for (; c < count; c += 8) {
    const mve_pred16_t some = vctp16q((uint32_t)(count - c));
    int32x4_t even = vdupq_n_s32(offset);
    int32x4_t odd = even;
    for (int32_t y = 0; y < h; y += piece_h) {
      for (int32_t x = 0; x < w; x += piece_w) {
        int16x8_t sum = vdupq_n_s16(0);
        for (int32_t row = y; row < h && row < y + piece_h; ++row) {
          const int8_t* from = in + row * row_bytes + x * count + c;
          for (int32_t left = w - x < piece_w ? w - x : piece_w; left > 0; --left) {
            sum = vaddq_s16(sum, vldrbq_z_s16(from, some));
            from += count;
          }
        }
        even = vaddq_s32(even, vmovlbq_s16(sum));
        odd = vaddq_s32(odd, vmovltq_s16(sum));
      }
    }
    const int32x4_t m = vdupq_n_s32(multiplier);
    const int32x4_t q0 = vshlq_r_s32(vaddq_n_s32(vmulhq_s32(vshlq_n_s32(even, 6), m), rounding), -shift);
    const int32x4_t q1 = vshlq_r_s32(vaddq_n_s32(vmulhq_s32(vshlq_n_s32(odd, 6), m), rounding), -shift);
    const int16x8_t q = vqmovntq_s32(vqmovnbq_s32(vdupq_n_s16(0), q0), q1);
    const int16x8_t most = vminq_s16(q, vdupq_n_s16((int16_t)high));
    vstrbq_p_s16(out + c, vmaxq_s16(most, vdupq_n_s16((int16_t)low)), some);
  }
#else
  for (; c + 4 <= count; c += 4) {
    int32_t sum0 = offset;
    int32_t sum1 = offset;
    int32_t sum2 = offset;
    int32_t sum3 = offset;
    tc_sum_4(in + c, h, w, row_bytes, count, &sum0, &sum1, &sum2, &sum3);
    out[c] = (int8_t)tc_clamp(tc_requantize(sum0 * 64, multiplier, rounding, shift), low, high);
    out[c + 1] = (int8_t)tc_clamp(tc_requantize(sum1 * 64, multiplier, rounding, shift), low, high);
    out[c + 2] = (int8_t)tc_clamp(tc_requantize(sum2 * 64, multiplier, rounding, shift), low, high);
    out[c + 3] = (int8_t)tc_clamp(tc_requantize(sum3 * 64, multiplier, rounding, shift), low, high);
  }
  for (; c < count; ++c) {
    const int32_t sum = tc_sum_1(in + c, h, w, row_bytes, count, offset);
    out[c] = (int8_t)tc_clamp(tc_requantize(sum * 64, multiplier, rounding, shift), low, high);
  }
#endif
}

TC_FN void tc_average_pool_s8(const int8_t* in, int8_t* out, const int32_t* multipliers, int32_t fewest, int32_t in_h,
                              int32_t in_w, int32_t count, int32_t out_h, int32_t out_w, int32_t kernel_h,
                              int32_t kernel_w, int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
                              int32_t in_zero, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  int32_t top = -pad_top;
  for (int32_t oy = 0; oy < out_h; ++oy, top += stride_h) {
    const int32_t y0 = top < 0 ? 0 : top;
    const int32_t y1 = top + kernel_h < in_h ? top + kernel_h : in_h;
    int32_t left = -pad_left;
    for (int32_t ox = 0; ox < out_w; ++ox, left += stride_w) {
      const int32_t x0 = left < 0 ? 0 : left;
      const int32_t x1 = left + kernel_w < in_w ? left + kernel_w : in_w;
      const int32_t cells = (y1 - y0) * (x1 - x0);
      const int whole = x1 - x0 == in_w; /* then the rows of the window are one */
      tc_average_window_s8(in + (y0 * in_w + x0) * count, out, whole ? 1 : y1 - y0, whole ? cells : x1 - x0,
                           in_w * count, count, -cells * in_zero, multipliers[cells - fewest], rounding, shift, low,
                           high);
      out += count;
    }
  }
}

#endif
