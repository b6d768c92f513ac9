/* Float rows brought to a common size.
 *
 * tc_softmax_f32     exp(x - max) / sum over each row of `count`; with logarithm = 1 its logarithm.
 * tc_layer_norm_f32  (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale + bias over each row, scale and bias by
 *                    element of the row. epsilon is one float in memory.
 * tc_affine_f32      in * scale + bias with one of each for each of `channels` innermost elements (a normalization
 * whose moments are constants). Sums run in the order of the elements. Overlap: out may start at in. No scratch.
 */
#ifndef TC_NORMALIZE_F32_H
#define TC_NORMALIZE_F32_H

#include "function_f32.h"

TC_FN void tc_softmax_f32(const float* in, float* out, int32_t rows, int32_t count, int32_t logarithm) {
  for (int32_t row = 0; row < rows; ++row) {
    float max = in[0];
    float sum = 0.0F;
    for (int32_t i = 1; i < count; ++i) max = in[i] > max ? in[i] : max;
    for (int32_t i = 0; i < count; ++i) {
      const float e = tc_exp_f32(in[i] - max);
      sum += e;
      out[i] = logarithm != 0 ? in[i] - max : e;
    }
    if (logarithm != 0) {
      const float log = tc_log_f32(sum);
      for (int32_t i = 0; i < count; ++i) out[i] -= log;
    } else {
      for (int32_t i = 0; i < count; ++i) out[i] /= sum;
    }
    in += count;
    out += count;
  }
}

TC_FN void tc_layer_norm_f32(const float* in, float* out, const float* scale, const float* bias, const float* epsilon,
                             int32_t rows, int32_t count) {
  for (int32_t row = 0; row < rows; ++row) {
    float sum = 0.0F;
    float squares = 0.0F;
    float mean;
    float inverse;
    for (int32_t i = 0; i < count; ++i) sum += in[i];
    mean = sum / (float)count;
    for (int32_t i = 0; i < count; ++i) squares += tc_product_f32(in[i] - mean, in[i] - mean);
    inverse = 1.0F / tc_sqrt_f32(squares / (float)count + epsilon[0]);
    for (int32_t i = 0; i < count; ++i) out[i] = tc_step_f32(tc_product_f32(in[i] - mean, inverse), scale[i], bias[i]);
    in += count;
    out += count;
  }
}

TC_FN void tc_affine_f32(const float* in, float* out, const float* scale, const float* bias, int32_t size,
                         int32_t channels) {
  for (int32_t i = 0; i < size; i += channels)
    for (int32_t c = 0; c < channels; ++c) out[i + c] = tc_step_f32(in[i + c], scale[c], bias[c]);
}

#endif
