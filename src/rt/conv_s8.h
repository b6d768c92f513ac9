/* Convolution, any window: out[y][x][o] = sum over taps and the inputs of o's group, padding counting as in_zero.
 *
 * Method: product_s8.h. The window of an output pixel is gathered into a row of K = kernel_h * kernel_w * in_c / groups
 * numbers in the order of the weights, then the block of pixels is one product. A window that lies inside the image and
 * whose rows are contiguous (one group, no dilation in x) is staged from where it lies, without tests per tap.
 * Memory: scratch of tc_block_bytes(K) + round_up(K, 16).
 * Overlap: with one group a block of at most 4 consecutive output pixels is read before its outputs are written, and
 * blocks go upwards, so `out` may lie below `in` as long as the outputs of pixels 0..p never reach the first input byte
 * that a pixel after p needs. With more groups, the outputs of pixels 0..p+4 must not.
 * Cost: out_h * out_w * out_c * K products.
 *
 * tc_conv_channels_s8 computes some channels of a wider result, whose pixels are out_step bytes apart.
 */
#ifndef TC_CONV_S8_H
#define TC_CONV_S8_H

#include "product_s8.h"

/* The window with its first tap at (y, x) as a row of its own; taps outside are in_zero. */
TC_NOINLINE void tc_gather_window(const int8_t* in, int8_t* row, int32_t in_h, int32_t in_w, int32_t in_c, int32_t y,
                                  int32_t x, int32_t kernel_h, int32_t kernel_w, int32_t dilation_h, int32_t dilation_w,
                                  int32_t group_c, int32_t in_zero) {
  const int32_t segment = kernel_w * group_c;
  const int32_t whole = group_c == in_c && dilation_w == 1;
  const int32_t before = tc_clamp(-x, 0, kernel_w) * in_c;
  const int32_t inside = tc_clamp(in_w - x, 0, kernel_w) * in_c - before;
  for (int32_t i = 0; i < kernel_h; i++, y += dilation_h, row += segment) {
    const int32_t from = y * in_w * in_c;
    if (y < 0 || y >= in_h) {
      tc_fill(row, in_zero, segment);
    } else if (whole) {
      tc_fill(row, in_zero, before);
      tc_copy(row + before, in + (from + x * in_c + before), inside);
      tc_fill(row + before + inside, in_zero, segment - before - inside);
    } else {
      int32_t column = x;
      for (int32_t at = 0; at < segment; at += group_c, column += dilation_w) {
        if (column >= 0 && column < in_w) {
          tc_copy(row + at, in + (from + column * in_c), group_c);
        } else {
          tc_fill(row + at, in_zero, group_c);
        }
      }
    }
  }
}

/* The same inside of the image, where a row of the window is one piece. */
TC_NOINLINE void tc_gather_rows(const int8_t* in, int8_t* row, int32_t stride, int32_t segment, int32_t rows) {
  const int8_t* end = row + rows * segment;
  for (; row != end; row += segment, in += stride) tc_copy(row, in, segment);
}

TC_FN void tc_conv_channels_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights,
                               const int32_t* channels, int32_t in_h, int32_t in_w, int32_t in_c, int32_t out_h,
                               int32_t out_w, int32_t out_c, int32_t out_step, int32_t kernel_h, int32_t kernel_w,
                               int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
                               int32_t dilation_h, int32_t dilation_w, int32_t groups, int32_t in_zero,
                               int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  const int32_t group_c = in_c / groups;
  const int32_t group_out = out_c / groups;
  const int32_t segment = kernel_w * group_c;
  const int32_t inputs = kernel_h * segment;
  const int32_t weight_row = (inputs + 3) & ~3;
  const int32_t whole = groups == 1 && (dilation_w == 1 || kernel_w == 1);
  const int32_t straight = segment % TC_STAGE_UNIT == 0;
  const int32_t stride = dilation_h * in_w * in_c;
  const int32_t last_y = in_h - 1 - (kernel_h - 1) * dilation_h;
  const int32_t last_x = in_w - 1 - (kernel_w - 1) * dilation_w;
  const int32_t most = tc_block_pixels(inputs);
  int8_t* row = (int8_t*)scratch + tc_block_bytes(inputs);
  int32_t left = out_h * out_w;
  int32_t out_y = 0;
  int32_t out_x = 0;
  while (left > 0) {
    const int32_t count = left < most ? left : most;
    int32_t next_y = out_y;
    int32_t next_x = out_x;
    for (int32_t g = 0; g < groups; g++) {
      next_y = out_y;
      next_x = out_x;
      for (int32_t p = 0; p < count; p++) {
        const int32_t y = next_y * stride_h - pad_top;
        const int32_t x = next_x * stride_w - pad_left;
        if (whole && y >= 0 && x >= 0 && y <= last_y && x <= last_x) {
          const int8_t* from = in + (y * in_w + x) * in_c;
          if (straight) {
            for (int32_t at = 0; at < inputs; at += segment, from += stride) {
              tc_stage(scratch, p, count, inputs, at, from, segment);
            }
          } else {
            tc_gather_rows(from, row, stride, segment, kernel_h);
            tc_stage(scratch, p, count, inputs, 0, row, inputs);
          }
        } else {
          tc_gather_window(in + g * group_c, row, in_h, in_w, in_c, y, x, kernel_h, kernel_w, dilation_h, dilation_w,
                           group_c, in_zero);
          tc_stage(scratch, p, count, inputs, 0, row, inputs);
        }
        if (++next_x == out_w) {
          next_x = 0;
          next_y++;
        }
      }
      tc_product_block(scratch, count, weights + g * group_out * weight_row, channels + 2 * g * group_out, inputs,
                       out + g * group_out, out_step, group_out, rounding, shift, low, high);
    }
    out_y = next_y;
    out_x = next_x;
    out += count * out_step;
    left -= count;
  }
}

TC_INLINE void tc_conv_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights, const int32_t* channels,
                          int32_t in_h, int32_t in_w, int32_t in_c, int32_t out_h, int32_t out_w, int32_t out_c,
                          int32_t kernel_h, int32_t kernel_w, int32_t stride_h, int32_t stride_w, int32_t pad_top,
                          int32_t pad_left, int32_t dilation_h, int32_t dilation_w, int32_t groups, int32_t in_zero,
                          int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  tc_conv_channels_s8(in, out, scratch, weights, channels, in_h, in_w, in_c, out_h, out_w, out_c, out_c, kernel_h,
                      kernel_w, stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w, groups, in_zero,
                      rounding, shift, low, high);
}

#endif
