/* Products with packed weights: a block of rows is unpacked into scratch (unpack_s8.h), then the plain kernel computes
 * the channels of that block, and so on. Where a whole layer's weights fit, tc_unpack_s8 and the plain kernel do
 * without these.
 *
 * Weights: of `bits` 4 or 2, rows as the plain kernel has them. Without factors (block 0) all rows are one sequence of
 * units of 16 bytes, and a multiple of `rows` rows fills units. With factors a row starts a word; see unpack_s8.h.
 * Memory: scratch of what the plain kernel takes, rounded up to 16, then room for `rows` unpacked rows and 64 bytes.
 * Overlap: none; the inputs are read once for every block of rows.
 * Cost: the plain kernel's, of which staging the inputs is repeated for every block, and a weight's unpacking.
 */
#ifndef TC_PACKED_S8_H
#define TC_PACKED_S8_H

#include "conv_s8.h"
#include "dense_s8.h"
#include "pointwise_s8.h"
#include "unpack_s8.h"

/* `rows` rows from the row `first` on; without factors `first` rows fill units. */
TC_INLINE void tc_unpack_rows(const int32_t* packed, const uint8_t* factors, int8_t* out, int32_t first, int32_t rows,
                              int32_t taps, int32_t channels, int32_t block, int32_t bits) {
  if (block != 0) {
    const int32_t words = taps * ((channels * bits + 31) >> 5);
    const int32_t count = taps * ((channels + block - 1) / block);
    tc_unpack_blocks_s8(packed + first * words, factors + first * count, out, rows, taps, channels, block, bits);
  } else {
    const int32_t row = (taps * channels + 3) & ~3;
    tc_unpack_s8(packed + (first * row * bits >> 5), out, rows * row, bits);
  }
}

TC_FN void tc_dense_packed_s8(const int8_t* in, int8_t* out, void* scratch, const int32_t* weights,
                              const uint8_t* factors, const int32_t* channels, int32_t in_c, int32_t out_c,
                              int32_t rounding, int32_t shift, int32_t low, int32_t high, int32_t bits, int32_t block,
                              int32_t rows, int32_t widened) {
  int8_t* const unpacked = (int8_t*)scratch + widened;
  void* const wide = widened > 0 ? scratch : 0;
  for (int32_t o = 0; o < out_c; o += rows) {
    const int32_t count = out_c - o < rows ? out_c - o : rows;
    tc_unpack_rows(weights, factors, unpacked, o, count, 1, in_c, block, bits);
    tc_dense_s8(in, out + o, wide, unpacked, channels + 2 * o, in_c, count, rounding, shift, low, high);
  }
}

TC_FN void tc_pointwise_packed_s8(const int8_t* in, int8_t* out, void* scratch, const int32_t* weights,
                                  const uint8_t* factors, const int32_t* channels, int32_t pixels, int32_t in_c,
                                  int32_t out_c, int32_t rounding, int32_t shift, int32_t low, int32_t high,
                                  int32_t bits, int32_t block, int32_t rows) {
  int8_t* const unpacked = (int8_t*)scratch + ((tc_block_bytes(in_c) + 15) & ~15);
  for (int32_t o = 0; o < out_c; o += rows) {
    const int32_t count = out_c - o < rows ? out_c - o : rows;
    tc_unpack_rows(weights, factors, unpacked, o, count, 1, in_c, block, bits);
    tc_pointwise_channels_s8(in, out + o, scratch, unpacked, channels + 2 * o, pixels, in_c, count, out_c, rounding,
                             shift, low, high);
  }
}

/* One group of channels. */
TC_FN void tc_conv_packed_s8(const int8_t* in, int8_t* out, void* scratch, const int32_t* weights,
                             const uint8_t* factors, const int32_t* channels, int32_t in_h, int32_t in_w, int32_t in_c,
                             int32_t out_h, int32_t out_w, int32_t out_c, int32_t kernel_h, int32_t kernel_w,
                             int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left, int32_t dilation_h,
                             int32_t dilation_w, int32_t in_zero, int32_t rounding, int32_t shift, int32_t low,
                             int32_t high, int32_t bits, int32_t block, int32_t rows) {
  const int32_t taps = kernel_h * kernel_w;
  const int32_t inputs = taps * in_c;
  int8_t* const unpacked = (int8_t*)scratch + tc_block_bytes(inputs) + ((inputs + 15) & ~15);
  for (int32_t o = 0; o < out_c; o += rows) {
    const int32_t count = out_c - o < rows ? out_c - o : rows;
    tc_unpack_rows(weights, factors, unpacked, o, count, taps, in_c, block, bits);
    tc_conv_channels_s8(in, out + o, scratch, unpacked, channels + 2 * o, in_h, in_w, in_c, out_h, out_w, count, out_c,
                        kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w, 1, in_zero,
                        rounding, shift, low, high);
  }
}

#endif
