/* Fully connected layer, one row: out[o] = requantize(bias[o] + sum_i in[i] * weights[o][i]).
 *
 * Method: four output channels at a time, so that an input is loaded once for four products.
 * Memory: scratch of 2 * round_up(in_c, 16) bytes; may be null, then inputs are widened again for each four outputs.
 * Overlap: none, `out` must not touch `in`.
 * Cost: in_c * out_c products.
 */
#ifndef TC_DENSE_S8_H
#define TC_DENSE_S8_H

#include "base.h"

TC_FN void tc_dense_s8(const int8_t* in, int8_t* out, void* scratch, const int8_t* weights, const int32_t* channels,
                       int32_t in_c, int32_t out_c, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  const int32_t row = (in_c + 3) & ~3;
  (void)scratch;
  while (out_c > 0) {
    const int8_t* w0 = weights;
    const int8_t* w1 = out_c > 1 ? w0 + row : w0;
    const int8_t* w2 = out_c > 2 ? w1 + row : w0;
    const int8_t* w3 = out_c > 3 ? w2 + row : w0;
    int32_t sum0 = channels[0];
    int32_t sum1 = out_c > 1 ? channels[2] : 0;
    int32_t sum2 = out_c > 2 ? channels[4] : 0;
    int32_t sum3 = out_c > 3 ? channels[6] : 0;
    const int8_t* x = in;
    const int8_t* end = in + in_c;
    do {
      const int32_t value = *x++;
      sum0 += value * *w0++;
      sum1 += value * *w1++;
      sum2 += value * *w2++;
      sum3 += value * *w3++;
    } while (x != end);
    out[0] = (int8_t)tc_clamp(tc_requantize(sum0, channels[1], rounding, shift), low, high);
    if (out_c > 1) out[1] = (int8_t)tc_clamp(tc_requantize(sum1, channels[3], rounding, shift), low, high);
    if (out_c > 2) out[2] = (int8_t)tc_clamp(tc_requantize(sum2, channels[5], rounding, shift), low, high);
    if (out_c > 3) out[3] = (int8_t)tc_clamp(tc_requantize(sum3, channels[7], rounding, shift), low, high);
    out += 4;
    channels += 8;
    weights += 4 * row;
    out_c -= 4;
  }
}

#endif
