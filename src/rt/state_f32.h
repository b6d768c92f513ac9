/* States of recurrent layers, 16 bits with `bits` fractional ones, from floats and to floats.
 *
 * tc_state_from_f32  out = nearest(in * 2^bits), ties to even, limited to +-32767; not a number counts as zero.
 * tc_state_to_f32    out = in / 2^bits, exactly.
 * No overlap, no scratch.
 */
#ifndef TC_STATE_F32_H
#define TC_STATE_F32_H

#include "base_f32.h"

TC_FN void tc_state_from_f32(const float* in, int16_t* out, int32_t count, int32_t bits) {
  const float steps = (float)(1 << bits);
  for (int32_t i = 0; i < count; ++i) {
    const float value = in[i] == in[i] ? tc_product_f32(in[i], steps) : 0.0F;
    out[i] = (int16_t)tc_nearest_f32(tc_limit_f32(value, -32767.0F, 32767.0F));
  }
}

TC_FN void tc_state_to_f32(const int16_t* in, float* out, int32_t count, int32_t bits) {
  const float step = 1.0F / (float)(1 << bits);
  for (int32_t i = 0; i < count; ++i) out[i] = tc_product_f32((float)in[i], step);
}

#endif
