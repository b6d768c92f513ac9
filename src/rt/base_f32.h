/* What the float kernels stand on: products that are rounded, comparisons, and a square root.
 *
 * Problem: the same bits everywhere. IEEE addition, product and division are the same on a core with a floating-point
 * unit and in the compiler's library, but a compiler may contract a * b + c into one operation with one rounding where
 * the core has it (Cortex-M4F, M7, M33, M55): gcc does by default, and neither its pragma nor C's own keeps it from
 * doing so inside functions that are inlined. So a product goes through an empty instruction that the compiler cannot
 * look into. It costs nothing but the contraction; cores without one do not have it. -ffast-math breaks the promise.
 *
 * The square root is computed on the mantissa in integers, digit by digit: exact, rounded half to even, without a
 * library. Cost: about 150 instructions.
 */
#ifndef TC_BASE_F32_H
#define TC_BASE_F32_H

#include "base.h"

#if defined(__GNUC__) && defined(__arm__) && defined(__ARM_FP)
#define TC_ROUNDED(x) __asm__("" : "+t"(x))
#elif defined(__GNUC__) && defined(__aarch64__)
#define TC_ROUNDED(x) __asm__("" : "+w"(x))
#elif defined(__GNUC__) && defined(__riscv_flen)
#define TC_ROUNDED(x) __asm__("" : "+f"(x))
#elif defined(__GNUC__) && defined(__FMA__)
#define TC_ROUNDED(x) __asm__("" : "+x"(x))
#else
#define TC_ROUNDED(x) (void)0
#endif

/* a * b, rounded before anything is added to it. */
TC_INLINE float tc_product_f32(float a, float b) {
  float product = a * b;
  TC_ROUNDED(product);
  return product;
}

TC_INLINE float tc_limit_f32(float x, float low, float high) {
  return x < low ? low : (x > high ? high : x);
}

TC_INLINE float tc_abs_f32(float x) {
  return x < 0.0F ? -x : x;
}

TC_INLINE uint32_t tc_bits_of_f32(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return bits;
}

TC_INLINE float tc_f32_of_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

/* The integer nearest to x, ties to even; |x| < 2^22. */
TC_INLINE int32_t tc_nearest_f32(float x) {
  float shifted = x + 12582912.0F;
  TC_ROUNDED(shifted);
  return (int32_t)(shifted - 12582912.0F);
}

/* Positive and finite or zero; anything else gives 0. Subnormals count as 0. */
TC_FN float tc_sqrt_f32(float x) {
  const uint32_t bits = tc_bits_of_f32(x);
  const int32_t exponent = (int32_t)(bits >> 23) - 127;
  uint32_t rest = (bits & 0x7FFFFFU) | 0x800000U;
  uint32_t root = 0;
  uint32_t left = 0;
  if (!(x > 0.0F) || bits < 0x800000U || bits >= 0x7F800000U) return 0.0F;
  /* root = floor(2^24 * sqrt(1.mantissa or 2 * 1.mantissa)): 25 digits, 24 of the result and one to round by. */
  rest <<= (exponent & 1) != 0 ? 2 : 1;
  for (int32_t digit = 24; digit >= 0; --digit) {
    /* Two digits of the operand, from the top: 13 pairs of mantissa, then zeros. */
    const uint32_t pair = digit >= 12 ? (rest >> (2 * (digit - 12))) & 3U : 0U;
    left = (left << 2) | pair;
    root <<= 1;
    if (left >= 2U * root + 1U) {
      left -= 2U * root + 1U;
      root |= 1U;
    }
  }
  /* No tie: a root with 25 digits has a square with more than 25. */
  root = (root + 1U) >> 1;
  return tc_f32_of_bits((uint32_t)(((exponent >> 1) + 126) * (1 << 23)) + root);
}

#endif
