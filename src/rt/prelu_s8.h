/* Rectifier with a slope for each channel of in [outer][count].
 *
 * out = clamp(requantize((in - zero) << 20, in < zero ? slopes[c] : multiplier)): |in - zero| is below 2^8, and the
 * shift gives ratios of grids near and above 1 their bits. `slopes` are multipliers, of either sign, and share `shift`
 * with the multiplier of what is not below zero.
 *
 * Memory: no scratch. Overlap: out may start at or below in.
 */
#ifndef TC_PRELU_S8_H
#define TC_PRELU_S8_H

#include "base.h"

TC_FN void tc_prelu_s8(const int8_t* in, int8_t* out, const int32_t* slopes, int32_t outer, int32_t count, int32_t zero,
                       int32_t multiplier, int32_t rounding, int32_t shift, int32_t low, int32_t high) {
  for (int32_t i = 0; i < outer; ++i) {
    for (int32_t c = 0; c < count; ++c) {
      const int32_t x = in[c] - zero;
      out[c] = (int8_t)tc_clamp(tc_requantize(x * ((int32_t)1 << 20), x < 0 ? slopes[c] : multiplier, rounding, shift),
                                low, high);
    }
    in += count;
    out += count;
  }
}

#endif
