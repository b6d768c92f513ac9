/* Layer normalization of int8 rows in integers: out = (x - mean) / sqrt(variance + epsilon) * scale + bias.
 *
 * With x = s * (q - z) over n elements: S = sum q, d = n q - S, V = n sum q^2 - S^2, and the normalized value is
 * t = d / sqrt(V + epsilon n^2 / s^2); neither s nor z is needed but for the constant E = 16 epsilon n^2 / s^2.
 * out = (hi32(t 2^F * multiplier) + bias) >> shift by element of the row, F = 30 - ceil(L / 2), L = ceil(log2 n), so
 * that |t| <= sqrt(n - 1) is below 2^30; `channels` are pairs {bias, multiplier}, bias with the result's zero point and
 * the rounding half.
 *
 * The root: W = 16 V + E = m 4^e, 2^30 <= m < 2^32. root = floor(sqrt(m 2^32)) is exact, digit by digit, 2^31 <= root,
 * thus off by less than 2^-31 relative; R = floor(2^63 / root) >= 2^31 adds less than 2^-31 (and the same where it is
 * limited to 32 bits). So R 2^(-45 - e) is 1 / sqrt(V + E / 16), too large by a factor below 1 + 2^-31 or too small by
 * one above 1 - 2^-31. d 2^(23 - L) R / 2 is a product of two 31-bit numbers whose high word is at least 2^21 for |d|
 * >= n, so its floor, and that of R / 2, cost less than 2^-20 relative; for smaller |d| less than 2^-20 of a standard
 * score of sqrt(n) at most. Together with the floor of t and of the last product, less than 0.01 of a step of the
 * result for steps above 2^-8: rounding can differ from the exact result by one step, near ties only.
 *
 * Range: n <= 2^14, so that |d| < 2^(8 + L) <= 2^22, sum q^2 <= 2^28, V < 2^43; E < 2^60 (both checked offline).
 * Overlap: out may start at in or below. No scratch. Cost: 12 instructions an element, about 500 a row.
 */
#ifndef TC_LAYER_NORM_S8_H
#define TC_LAYER_NORM_S8_H

#include "base.h"

/* floor(sqrt(m * 2^32)) for 2^30 <= m. */
TC_NOINLINE uint32_t tc_root_s8(uint32_t m) {
  uint64_t left = 0;
  uint32_t root = 0;
  for (int32_t digit = 0; digit < 32; ++digit) {
    const uint32_t pair = digit < 16 ? (m >> (30 - 2 * digit)) & 3U : 0U;
    const uint64_t trial = ((uint64_t)root << 2) | 1U;
    left = (left << 2) | pair;
    root <<= 1;
    if (left >= trial) {
      left -= trial;
      root |= 1U;
    }
  }
  return root;
}

/* R / 2 and e for W > 0. */
TC_INLINE int32_t tc_inverse_root_s8(uint64_t w, int32_t* exponent) {
  int32_t e = 0;
  uint32_t root;
  uint64_t inverse;
  while (w >= ((uint64_t)1 << 32)) {
    w >>= 2;
    ++e;
  }
  while (w < ((uint64_t)1 << 30)) {
    w <<= 2;
    --e;
  }
  root = tc_root_s8((uint32_t)w);
  inverse = ((uint64_t)1 << 63) / root;
  *exponent = e;
  return (int32_t)((inverse > 0xFFFFFFFFU ? 0xFFFFFFFFU : (uint32_t)inverse) >> 1);
}

TC_FN void tc_layer_norm_s8(const int8_t* in, int8_t* out, const int32_t* channels, int32_t rows, int32_t count,
                            int32_t log_count, int32_t epsilon_high, int32_t epsilon_low, int32_t shift, int32_t low,
                            int32_t high) {
  const uint64_t epsilon = ((uint64_t)(uint32_t)epsilon_high << 32) | (uint32_t)epsilon_low;
  const int32_t left = 23 - log_count;
  const int32_t fraction = 30 - (log_count + 1) / 2;
  for (int32_t row = 0; row < rows; ++row) {
    int32_t sum = 0;
    uint32_t squares = 0;
    uint64_t deviation;
    int32_t e;
    int32_t inverse;
    int32_t right;
    for (int32_t i = 0; i < count; ++i) {
      sum += in[i];
      squares += (uint32_t)(in[i] * in[i]);
    }
    deviation = 16U * ((uint64_t)(uint32_t)count * squares - (uint64_t)((int64_t)sum * sum)) + epsilon;
    inverse = tc_inverse_root_s8(deviation != 0 ? deviation : 1U, &e); /* all the same: every d is 0 */
    right = left + 12 + e - fraction;
    for (int32_t i = 0; i < count; ++i) {
      const int32_t d = (count * in[i] - sum) * (1 << left);
      const int32_t product = tc_mul_high(d, inverse);
      const int32_t t = right >= 0 ? product >> right : product * (1 << -right);
      out[i] = (int8_t)tc_clamp((tc_mul_high(t, channels[2 * i + 1]) + channels[2 * i]) >> shift, low, high);
    }
    in += count;
    out += count;
  }
}

#endif
