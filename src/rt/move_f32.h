/* Floats moved and brought to 8-bit grids and back.
 *
 * tc_quantize_f32    out = clamp(nearest(in / scale) + zero_point, low, high), ties to even, as the host quantizes:
 *                    the quotient is a float, limited to +-1024 before it is rounded, so that everything far outside
 *                    ends at a limit; not a number counts as zero.
 * tc_dequantize_f32  out = (in - zero_point) * scale.
 * tc_transpose_f32   out [d0][d1][d2][d3][d4] is contiguous; in is read at the sum of coordinate * stride, in floats.
 * `scale` is one float in memory. Overlap: tc_quantize_f32's out may start at in or below; the others' must not
 * overlap. No scratch.
 */
#ifndef TC_MOVE_F32_H
#define TC_MOVE_F32_H

#include "base_f32.h"

TC_FN void tc_quantize_f32(const float* in, int8_t* out, const float* scale, int32_t size, int32_t zero_point,
                           int32_t low, int32_t high) {
  for (int32_t i = 0; i < size; ++i) {
    const float steps = in[i] / scale[0];
    const int32_t nearest = steps == steps ? tc_nearest_f32(tc_limit_f32(steps, -1024.0F, 1024.0F)) : 0;
    out[i] = (int8_t)tc_clamp(nearest + zero_point, low, high);
  }
}

TC_FN void tc_dequantize_f32(const int8_t* in, float* out, const float* scale, int32_t size, int32_t zero_point) {
  for (int32_t i = 0; i < size; ++i) out[i] = tc_product_f32((float)(in[i] - zero_point), scale[0]);
}

TC_FN void tc_transpose_f32(const float* in, float* out, int32_t d0, int32_t d1, int32_t d2, int32_t d3, int32_t d4,
                            int32_t s0, int32_t s1, int32_t s2, int32_t s3, int32_t s4) {
  for (int32_t a = 0; a < d0; ++a)
    for (int32_t b = 0; b < d1; ++b)
      for (int32_t c = 0; c < d2; ++c)
        for (int32_t d = 0; d < d3; ++d) {
          int32_t at = a * s0 + b * s1 + c * s2 + d * s3;
          for (int32_t e = 0; e < d4; ++e) {
            *out++ = in[at];
            at += s4;
          }
        }
}

#endif
