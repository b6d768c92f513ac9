/* Functions of one float, element by element.
 *
 * `function` is one of the numbers below; p are its parameters (null where it has none). The functions with
 * exponentials are those of function_f32.h. Overlap: out may start at in or below. No scratch.
 *
 * tc_prelu_f32: out = in < 0 ? slope * in : in, with a slope for each of `channels` innermost elements (1: one for
 * all).
 */
#ifndef TC_MAP_F32_H
#define TC_MAP_F32_H

#include "function_f32.h"

enum {
  TC_MAP_CLAMP = 0, /* p: low, high */
  TC_MAP_LEAKY = 1, /* x < 0 ? p0 * x : x */
  TC_MAP_ABS = 2,
  TC_MAP_NEG = 3,
  TC_MAP_RECIPROCAL = 4,
  TC_MAP_SQRT = 5,
  TC_MAP_HARD_SIGMOID = 6, /* clamp(p0 * x + p1, 0, 1) */
  TC_MAP_HARD_SWISH = 7,   /* x * clamp(x / 6 + 1 / 2, 0, 1) */
  TC_MAP_EXP = 8,
  TC_MAP_LOG = 9,
  TC_MAP_TANH = 10,
  TC_MAP_SIGMOID = 11,
  TC_MAP_ERF = 12,
  TC_MAP_GELU = 13,      /* x / 2 * (1 + erf(x / sqrt(2))) */
  TC_MAP_GELU_TANH = 14, /* x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) */
  TC_MAP_SOFTPLUS = 15,  /* log(1 + exp(x)) */
  TC_MAP_ELU = 16,       /* x < 0 ? p0 * (exp(x) - 1) : x */
  TC_MAP_SOFTSIGN = 17,
  TC_MAP_SWISH = 18 /* x * sigmoid(p0 * x) */
};

TC_INLINE float tc_map_one_f32(float x, const float* p, int32_t function) {
  switch (function) {
    case TC_MAP_CLAMP:
      return tc_limit_f32(x, p[0], p[1]);
    case TC_MAP_LEAKY:
      return x < 0.0F ? tc_product_f32(p[0], x) : x;
    case TC_MAP_ABS:
      return tc_abs_f32(x);
    case TC_MAP_NEG:
      return -x;
    case TC_MAP_RECIPROCAL:
      return 1.0F / x;
    case TC_MAP_SQRT:
      return tc_sqrt_f32(x);
    case TC_MAP_HARD_SIGMOID:
      return tc_limit_f32(tc_step_f32(p[0], x, p[1]), 0.0F, 1.0F);
    case TC_MAP_HARD_SWISH:
      return tc_product_f32(x, tc_limit_f32(tc_step_f32(x, 1.0F / 6.0F, 0.5F), 0.0F, 1.0F));
    case TC_MAP_EXP:
      return tc_exp_f32(x);
    case TC_MAP_LOG:
      return tc_log_f32(x);
    case TC_MAP_TANH:
      return tc_tanh_f32(x);
    case TC_MAP_SIGMOID:
      return tc_sigmoid_f32(x);
    case TC_MAP_ERF:
      return tc_erf_f32(x);
    case TC_MAP_GELU:
      return tc_product_f32(0.5F * x, 1.0F + tc_erf_f32(x * 0.70710678F));
    case TC_MAP_GELU_TANH:
      return tc_product_f32(0.5F * x, 1.0F + tc_tanh_f32(0.79788456F * x * tc_step_f32(0.044715F * x, x, 1.0F)));
    case TC_MAP_SOFTPLUS:
      return (x > 0.0F ? x : 0.0F) + tc_log_f32(1.0F + tc_exp_f32(-tc_abs_f32(x)));
    case TC_MAP_ELU:
      return x < 0.0F ? tc_product_f32(p[0], tc_exp_f32(x) - 1.0F) : x;
    case TC_MAP_SOFTSIGN:
      return x / (1.0F + tc_abs_f32(x));
    default:
      return tc_product_f32(x, tc_sigmoid_f32(p[0] * x));
  }
}

/* Inlined where it is called, with one function left of the switch. */
TC_INLINE void tc_map_f32(const float* in, float* out, const float* p, int32_t size, int32_t function) {
  for (int32_t i = 0; i < size; ++i) out[i] = tc_map_one_f32(in[i], p, function);
}

TC_FN void tc_prelu_f32(const float* in, float* out, const float* slope, int32_t size, int32_t channels) {
  for (int32_t i = 0; i < size; i += channels)
    for (int32_t c = 0; c < channels; ++c)
      out[i + c] = in[i + c] < 0.0F ? tc_product_f32(slope[c], in[i + c]) : in[i + c];
}

#endif
