/* Functions of two floats, element by element, with broadcasting.
 *
 * out [d0][d1][d2][d3] is contiguous; a and b are read at the sums of coordinate * their strides (in floats, 0:
 * repeated). `function` is one of the numbers below. pow(a, b) for whole b up to 64 in magnitude is a product, and
 * exact where it can be; else exp(b log a), for a >= 0. Overlap: out may start at an operand, or below, whose strides
 * are those of out. No scratch.
 */
#ifndef TC_BINARY_F32_H
#define TC_BINARY_F32_H

#include "function_f32.h"

enum {
  TC_BINARY_ADD = 0,
  TC_BINARY_SUB = 1,
  TC_BINARY_MUL = 2,
  TC_BINARY_DIV = 3,
  TC_BINARY_MIN = 4,
  TC_BINARY_MAX = 5,
  TC_BINARY_POW = 6
};

TC_FN float tc_pow_f32(float a, float b) {
  float product = 1.0F;
  int32_t count;
  if (b == 0.5F) return tc_sqrt_f32(a);
  if (!(b <= 64.0F && b >= -64.0F) || (float)tc_nearest_f32(b) != b)
    return tc_exp_f32(tc_product_f32(b, tc_log_f32(a)));
  for (count = tc_nearest_f32(tc_abs_f32(b)); count > 0; --count) product = tc_product_f32(product, a);
  return b < 0.0F ? 1.0F / product : product;
}

TC_INLINE float tc_binary_one_f32(float a, float b, int32_t function) {
  switch (function) {
    case TC_BINARY_ADD:
      return a + b;
    case TC_BINARY_SUB:
      return a - b;
    case TC_BINARY_MUL:
      return tc_product_f32(a, b);
    case TC_BINARY_DIV:
      return a / b;
    case TC_BINARY_MIN:
      return b < a ? b : a;
    case TC_BINARY_MAX:
      return b > a ? b : a;
    default:
      return tc_pow_f32(a, b);
  }
}

/* Inlined where it is called, with one function left of the switch. */
TC_INLINE void tc_binary_f32(const float* a, const float* b, float* out, int32_t function, int32_t d0, int32_t d1,
                             int32_t d2, int32_t d3, int32_t a0, int32_t a1, int32_t a2, int32_t a3, int32_t b0,
                             int32_t b1, int32_t b2, int32_t b3) {
  for (int32_t i = 0; i < d0; ++i)
    for (int32_t j = 0; j < d1; ++j)
      for (int32_t k = 0; k < d2; ++k) {
        const float* from_a = a + (i * a0 + j * a1 + k * a2);
        const float* from_b = b + (i * b0 + j * b1 + k * b2);
        for (int32_t l = 0; l < d3; ++l) *out++ = tc_binary_one_f32(from_a[l * a3], from_b[l * b3], function);
      }
}

#endif
