/* 1x1 convolution of stride 1, and a matrix of many rows times constant weights: out[p][o] = sum_i in[p][i] w[o][i].
 *
 * Method: product_s8.h, a block of pixels at a time; a pixel's row of inputs is its window.
 * Memory: scratch of tc_block_bytes(in_c).
 * Overlap: a block of at most 4 pixels is read before its outputs are written, and blocks go upwards, so `out` may lie
 * at or below `in` as long as the outputs of pixels 0..p never reach the inputs of a pixel after p (out_c <= in_c and
 * out <= in; or out_c > in_c and out + pixels * out_c <= in + pixels * in_c).
 * Cost: pixels * in_c * out_c products.
 *
 * tc_pointwise_channels_s8 computes some channels of a wider result, whose pixels are out_step bytes apart.
 */
#ifndef TC_POINTWISE_S8_H
#define TC_POINTWISE_S8_H

#include "product_s8.h"

TC_FN void tc_pointwise_channels_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights,
                                    const int32_t* channels, int32_t pixels, int32_t in_c, int32_t out_c,
                                    int32_t out_step, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  const int32_t most = tc_block_pixels(in_c);
  while (pixels > 0) {
    const int32_t count = pixels < most ? pixels : most;
    for (int32_t p = 0; p < count; p++) {
      tc_stage(scratch, p, count, in_c, 0, in, in_c);
      in += in_c;
    }
    tc_product_block(scratch, count, weights, channels, in_c, out, out_step, out_c, rounding, shift, low, high);
    out += count * out_step;
    pixels -= count;
  }
}

TC_INLINE void tc_pointwise_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights,
                               const int32_t* channels, int32_t pixels, int32_t in_c, int32_t out_c, int32_t rounding,
                               int32_t shift, int32_t low, int32_t high) {
  tc_pointwise_channels_s8(in, out, scratch, weights, channels, pixels, in_c, out_c, out_c, rounding, shift, low, high);
}

#endif
