/* Products with coded weights: rows are decoded into scratch in their order, a block at a time, then the plain kernel
 * computes the channels of that block, and so on. Where a whole layer's weights fit, tc_decode_s8 and the plain kernel
 * do without these.
 *
 * Weights: a stream of arithmetic_s8.h, huffman_s8.h or sparse_s8.h that the coder's tc_NAME_open has opened; `decoder`
 * is its state, which these change. Rows come out as the plain kernel has them, every level shifted left by `left`; the
 * caller's multipliers are smaller by that factor. The stream is a constant of the program: that it is corrupt is not
 * looked for, and does no harm but to the result.
 * Memory: scratch of what the plain kernel takes, rounded up to 16, then two rows of levels, then `rows` rows.
 * Overlap: none; the inputs are read once for every block of rows.
 * Cost: the plain kernel's, of which staging the inputs is repeated for every block, and the decoder's.
 */
#ifndef TC_CODED_S8_H
#define TC_CODED_S8_H

#include "byte_stream.h"
#include "conv_s8.h"
#include "dense_s8.h"
#include "pointwise_s8.h"

/* Rows `first` to first + rows - 1 of `columns` levels; `levels` has room for two rows, which must stay as they are
 * until the next call. Both buffers begin at words. */
TC_NOINLINE void tc_decode_s8(void* decoder, int8_t* levels, void* out, int32_t first, int32_t rows, int32_t columns,
                              int32_t left) {
  const tc_row_reader read_row = *(const tc_row_reader*)decoder;
  const int32_t stride = (columns + 3) & ~3;
  const uint32_t kept = (0xFFU << left & 0xFFU) * 0x01010101U;
  uint32_t* to = (uint32_t*)out;
  for (int32_t r = first; r < first + rows; ++r) {
    int8_t* const row = levels + (r & 1) * stride;
    const int8_t* const above = r == 0 ? 0 : levels + (~r & 1) * stride;
    tc_store4(row + stride - 4, 0);
    (void)read_row(decoder, above, row, columns);
    const uint32_t* from = (const uint32_t*)(const void*)row;
    for (int32_t i = 0; i < stride; i += 4) *to++ = *from++ << left & kept;
  }
}

TC_FN void tc_dense_coded_s8(const int8_t* in, int8_t* out, void* scratch, void* decoder, const int32_t* channels,
                             int32_t in_c, int32_t out_c, int32_t rounding, int32_t shift, int32_t low, int32_t high,
                             int32_t left, int32_t rows, int32_t widened) {
  int8_t* const levels = (int8_t*)scratch + widened;
  int8_t* const weights = levels + 2 * ((in_c + 3) & ~3);
  void* const wide = widened > 0 ? scratch : 0;
  for (int32_t o = 0; o < out_c; o += rows) {
    const int32_t count = out_c - o < rows ? out_c - o : rows;
    tc_decode_s8(decoder, levels, weights, o, count, in_c, left);
    tc_dense_s8(in, out + o, wide, weights, channels + 2 * o, in_c, count, rounding, shift, low, high);
  }
}

TC_FN void tc_pointwise_coded_s8(const int8_t* in, int8_t* out, void* scratch, void* decoder, const int32_t* channels,
                                 int32_t pixels, int32_t in_c, int32_t out_c, int32_t rounding, int32_t shift,
                                 int32_t low, int32_t high, int32_t left, int32_t rows) {
  int8_t* const levels = (int8_t*)scratch + ((tc_block_bytes(in_c) + 15) & ~15);
  int8_t* const weights = levels + 2 * ((in_c + 3) & ~3);
  for (int32_t o = 0; o < out_c; o += rows) {
    const int32_t count = out_c - o < rows ? out_c - o : rows;
    tc_decode_s8(decoder, levels, weights, o, count, in_c, left);
    tc_pointwise_channels_s8(in, out + o, scratch, weights, channels + 2 * o, pixels, in_c, count, out_c, rounding,
                             shift, low, high);
  }
}

/* One group of channels. */
TC_FN void tc_conv_coded_s8(const int8_t* in, int8_t* out, void* scratch, void* decoder, const int32_t* channels,
                            int32_t in_h, int32_t in_w, int32_t in_c, int32_t out_h, int32_t out_w, int32_t out_c,
                            int32_t kernel_h, int32_t kernel_w, int32_t stride_h, int32_t stride_w, int32_t pad_top,
                            int32_t pad_left, int32_t dilation_h, int32_t dilation_w, int32_t in_zero, int32_t rounding,
                            int32_t shift, int32_t low, int32_t high, int32_t left, int32_t rows) {
  const int32_t inputs = kernel_h * kernel_w * in_c;
  int8_t* const levels = (int8_t*)scratch + tc_block_bytes(inputs) + ((inputs + 15) & ~15);
  int8_t* const weights = levels + 2 * ((inputs + 3) & ~3);
  for (int32_t o = 0; o < out_c; o += rows) {
    const int32_t count = out_c - o < rows ? out_c - o : rows;
    tc_decode_s8(decoder, levels, weights, o, count, inputs, left);
    tc_conv_channels_s8(in, out + o, scratch, weights, channels + 2 * o, in_h, in_w, in_c, out_h, out_w, count, out_c,
                        kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w, 1, in_zero,
                        rounding, shift, low, high);
  }
}

#endif
