/* Exponential, logarithm, hyperbolic tangent, logistic and error function of a float, without a C library.
 *
 * Method: exp(x) = 2^n * exp(r), n the integer nearest to x / ln 2, |r| <= ln 2 / 2; exp(r) = 1 + r + r^2 q(r). tanh
 * and erf are odd polynomials near zero, where a difference of exponentials would lose digits, and
 * 1 - 2 / (exp(2x) + 1) and 1 - exp(p(x)) beyond. log(2^n * m) = n ln 2 + 2 artanh((m - 1) / (m + 1)), m within
 * sqrt(1/2) and sqrt(2). The polynomials are least-maximum fits of the relative error (log: the series); each function
 * is within 5e-7 of the true value, relative. Overflow gives infinity, underflow 0, not a number stays so. Nothing
 * depends on a core's own functions: the same bits everywhere. Cost: 10 products and sums for exp, about 20 and a
 * division for the others.
 */
#ifndef TC_FUNCTION_F32_H
#define TC_FUNCTION_F32_H

#include "base_f32.h"

/* sum * x + c, each rounded. */
TC_INLINE float tc_step_f32(float sum, float x, float c) {
  return tc_product_f32(sum, x) + c;
}

TC_FN float tc_exp_f32(float x) {
  int32_t n;
  int32_t half;
  float r;
  float q;
  if (!(x > -87.3F)) return x == x ? 0.0F : x;
  if (x > 88.8F) return tc_f32_of_bits(0x7F800000U);
  n = tc_nearest_f32(tc_product_f32(x, 1.442695041F));
  r = tc_step_f32((float)n, -0.693359375F, x);
  r = tc_step_f32((float)n, 2.12194440e-4F, r);
  q = tc_step_f32(1.395059982e-03F, r, 8.368954062e-03F);
  q = tc_step_f32(q, r, 4.166620597e-02F);
  q = tc_step_f32(q, r, 1.666651815e-01F);
  q = tc_step_f32(q, r, 5.000000000e-01F);
  q = tc_step_f32(q, tc_product_f32(r, r), r) + 1.0F;
  /* In two steps, so that neither factor leaves the exponent's range. */
  half = n >> 1;
  q = tc_product_f32(q, tc_f32_of_bits((uint32_t)(half + 127) << 23));
  return tc_product_f32(q, tc_f32_of_bits((uint32_t)(n - half + 127) << 23));
}

TC_FN float tc_log_f32(float x) {
  uint32_t bits = tc_bits_of_f32(x);
  int32_t n = 0;
  float m;
  float s;
  float square;
  float sum;
  if (x != x || bits == 0x7F800000U) return x;
  if (x < 0.0F) return tc_f32_of_bits(0x7FC00000U);
  if (x == 0.0F) return tc_f32_of_bits(0xFF800000U);
  if (bits < 0x800000U) { /* subnormal */
    bits = tc_bits_of_f32(x * 8388608.0F);
    n = -23;
  }
  n += (int32_t)((bits + 0x4AFB0DU) >> 23) - 127; /* up from sqrt(2) on */
  m = tc_f32_of_bits(bits - (bits + 0x4AFB0DU) / 0x800000U * 0x800000U + 0x3F800000U);
  s = (m - 1.0F) / (m + 1.0F);
  square = tc_product_f32(s, s);
  sum = tc_step_f32(1.0F / 9.0F, square, 1.0F / 7.0F);
  sum = tc_step_f32(sum, square, 0.2F);
  sum = tc_step_f32(sum, square, 1.0F / 3.0F);
  sum = tc_product_f32(tc_product_f32(sum, square), s);
  sum = tc_step_f32((float)n, -2.12194440e-4F, 2.0F * sum);
  sum = sum + 2.0F * s;
  return tc_step_f32((float)n, 0.693359375F, sum);
}

TC_FN float tc_tanh_f32(float x) {
  const float magnitude = tc_abs_f32(x);
  float sum;
  if (x != x) return x;
  if (magnitude < 0.625F) {
    const float square = tc_product_f32(x, x);
    sum = tc_step_f32(-5.717036780e-03F, square, 2.065057866e-02F);
    sum = tc_step_f32(sum, square, -5.374349654e-02F);
    sum = tc_step_f32(sum, square, 1.333149076e-01F);
    sum = tc_step_f32(sum, square, -3.333328366e-01F);
    return tc_step_f32(tc_product_f32(sum, square), x, x);
  }
  sum = 1.0F - 2.0F / (tc_exp_f32(magnitude + magnitude) + 1.0F);
  return x < 0.0F ? -sum : sum;
}

/* The exponent is never positive, so nothing overflows. */
TC_FN float tc_sigmoid_f32(float x) {
  const float e = tc_exp_f32(-tc_abs_f32(x));
  return (x < 0.0F ? e : 1.0F) / (1.0F + e);
}

TC_FN float tc_erf_f32(float x) {
  const float magnitude = tc_abs_f32(x);
  float sum;
  if (x != x) return x;
  if (magnitude < 0.92F) {
    const float square = tc_product_f32(x, x);
    sum = tc_step_f32(-5.976893590e-04F, square, 4.990980029e-03F);
    sum = tc_step_f32(sum, square, -2.676556632e-02F);
    sum = tc_step_f32(sum, square, 1.128180251e-01F);
    sum = tc_step_f32(sum, square, -3.761249483e-01F);
    sum = tc_step_f32(sum, square, 1.283791512e-01F);
    return tc_step_f32(sum, x, x);
  }
  {
    const float bounded = magnitude > 4.0F ? 4.0F : magnitude; /* erf(4) rounds to 1 */
    sum = tc_step_f32(-2.109505112e-05F, bounded, 4.344626213e-04F);
    sum = tc_step_f32(sum, bounded, -4.171063192e-03F);
    sum = tc_step_f32(sum, bounded, 2.511942759e-02F);
    sum = tc_step_f32(sum, bounded, -1.082800925e-01F);
    sum = tc_step_f32(sum, bounded, -6.333469152e-01F);
    sum = tc_step_f32(sum, bounded, -1.129514933e+00F);
    sum = tc_step_f32(sum, bounded, 1.746844500e-04F);
  }
  sum = 1.0F - tc_exp_f32(sum);
  return x < 0.0F ? -sum : sum;
}

#endif
