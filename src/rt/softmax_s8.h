/* Softmax along the last axis, in integers.
 *
 * The output's grid is fixed: scale 1/256, zero point -128. exp(scale * (q - max)) comes from a table by d = max - q,
 * 0 to 255: exponents[d] = round(2^b * exp(-d * scale)), computed offline; it ends at `last`, and what is farther away
 * than that is as exponents[last]: 0, or d is never more. Then q = floor((256 * e + sum / 2) / sum) - 128, rounded
 * half up, at most 127. Only the ratio counts, so the softmax's own scale of e does not matter.
 *
 * Range: 256 * e <= 2^31 and sum / 2 < 2^31 in unsigned arithmetic, so b <= 23 and count * 2^b < 2^32: b = 23 up to 511
 * values in a row, else the largest b with count * 2^b < 2^32. exponents[0] is 2^b, so that sum is never 0.
 * Memory: no scratch. Overlap: out may start at in.
 */
#ifndef TC_SOFTMAX_S8_H
#define TC_SOFTMAX_S8_H

#include "base.h"

TC_FN uint32_t tc_exponent(const int32_t* exponents, int32_t last, int32_t d) {
  return (uint32_t)exponents[d < last ? d : last];
}

TC_FN void tc_softmax_s8(const int8_t* in, int8_t* out, const int32_t* exponents, int32_t last, int32_t rows,
                         int32_t count) {
  for (int32_t row = 0; row < rows; ++row) {
    int32_t max = in[0];
    uint32_t sum = 0;
    for (int32_t i = 1; i < count; ++i) max = in[i] > max ? in[i] : max;
    for (int32_t i = 0; i < count; ++i) sum += tc_exponent(exponents, last, max - in[i]);
    for (int32_t i = 0; i < count; ++i) {
      const uint32_t q = ((tc_exponent(exponents, last, max - in[i]) << 8) + (sum >> 1)) / sum;
      out[i] = (int8_t)(q > 255 ? 127 : (int32_t)q - 128);
    }
    in += count;
    out += count;
  }
}

#endif
