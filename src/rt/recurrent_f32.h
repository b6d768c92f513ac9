/* LSTM and GRU, one direction: float states around weights in int8 rows or in floats.
 *
 * x [steps] rows of `inputs`, x_step floats apart; y [steps] rows of `hidden`, y_step apart (null: not wanted); h and c
 * [hidden] are the states at the end; initial states h0 and c0 (null: zeros; may be h and c). Steps run from the last
 * to the first when reverse = 1. Weights w [gates * hidden][inputs] and r [gates * hidden][hidden]: int8 with a scale
 * for each row, `scales` [gates * hidden] of w, then of r; or floats, and `scales` null. A row's sum runs in the order
 * of its elements and is scaled once at its end.
 *
 * LSTM, gates i, o, f, n: c = sig(f) c + sig(i) tanh(n), h = sig(o) tanh(c). bias [4 * hidden] is that of w and r
 * together. scratch: 4 * hidden floats.
 * GRU, gates z, r, n: h = (1 - sig(z)) tanh(n) + sig(z) h. bias [2][3 * hidden], of w and of r. With linear = 1 the
 * candidate's recurrent sum, bias included, is multiplied by sig(r); with 0, h is, before the sum. scratch: 4 * hidden
 * floats.
 * Nothing overlaps but as said. Cost a step: gates * hidden * (inputs + hidden) products in float.
 */
#ifndef TC_RECURRENT_F32_H
#define TC_RECURRENT_F32_H

#include "function_f32.h"

/* The sum of one row times a vector. */
TC_INLINE float tc_recurrent_row_f32(const float* x, const void* weights, const float* scales, int32_t row,
                                     int32_t count) {
  float sum = 0.0F;
  if (scales) {
    const int8_t* w = (const int8_t*)weights + row * count;
    for (int32_t k = 0; k < count; ++k) sum += tc_product_f32((float)w[k], x[k]);
    return tc_product_f32(sum, scales[row]);
  } else {
    const float* w = (const float*)weights + row * count;
    for (int32_t k = 0; k < count; ++k) sum += tc_product_f32(w[k], x[k]);
    return sum;
  }
}

TC_INLINE void tc_recurrent_start_f32(const float* from, float* state, int32_t hidden) {
  if (!from)
    memset(state, 0, (size_t)hidden * sizeof(float));
  else if (from != state)
    memmove(state, from, (size_t)hidden * sizeof(float));
}

TC_FN void tc_lstm_f32(const float* x, float* y, float* h, float* c, float* scratch, const float* h0, const float* c0,
                       const void* w, const void* r, const float* scales, const float* bias, int32_t steps,
                       int32_t inputs, int32_t hidden, int32_t x_step, int32_t y_step, int32_t reverse) {
  const float* r_scales = scales ? scales + 4 * hidden : scales;
  tc_recurrent_start_f32(h0, h, hidden);
  tc_recurrent_start_f32(c0, c, hidden);
  for (int32_t step = 0; step < steps; ++step) {
    const int32_t at = reverse != 0 ? steps - 1 - step : step;
    for (int32_t row = 0; row < 4 * hidden; ++row)
      scratch[row] = tc_recurrent_row_f32(x + at * x_step, w, scales, row, inputs) + bias[row] +
                     tc_recurrent_row_f32(h, r, r_scales, row, hidden);
    for (int32_t i = 0; i < hidden; ++i) {
      const float kept = tc_product_f32(tc_sigmoid_f32(scratch[2 * hidden + i]), c[i]);
      c[i] = kept + tc_product_f32(tc_sigmoid_f32(scratch[i]), tc_tanh_f32(scratch[3 * hidden + i]));
      h[i] = tc_product_f32(tc_sigmoid_f32(scratch[hidden + i]), tc_tanh_f32(c[i]));
    }
    if (y) memcpy(y + at * y_step, h, (size_t)hidden * sizeof(float));
  }
}

TC_FN void tc_gru_f32(const float* x, float* y, float* h, float* scratch, const float* h0, const void* w, const void* r,
                      const float* scales, const float* bias, int32_t steps, int32_t inputs, int32_t hidden,
                      int32_t x_step, int32_t y_step, int32_t reverse, int32_t linear) {
  const float* r_scales = scales ? scales + 3 * hidden : scales;
  const float* r_bias = bias + 3 * hidden;
  float* before = scratch + 3 * hidden; /* what the candidate's weights meet */
  tc_recurrent_start_f32(h0, h, hidden);
  for (int32_t step = 0; step < steps; ++step) {
    const int32_t at = reverse != 0 ? steps - 1 - step : step;
    for (int32_t row = 0; row < 3 * hidden; ++row)
      scratch[row] = tc_recurrent_row_f32(x + at * x_step, w, scales, row, inputs) + bias[row];
    for (int32_t row = 0; row < 2 * hidden; ++row)
      scratch[row] = tc_sigmoid_f32(scratch[row] + tc_recurrent_row_f32(h, r, r_scales, row, hidden) + r_bias[row]);
    for (int32_t i = 0; i < hidden; ++i) before[i] = linear != 0 ? h[i] : tc_product_f32(scratch[hidden + i], h[i]);
    for (int32_t i = 0; i < hidden; ++i) {
      const int32_t row = 2 * hidden + i;
      const float sum = tc_recurrent_row_f32(before, r, r_scales, row, hidden) + r_bias[row];
      const float n = tc_tanh_f32(scratch[row] + (linear != 0 ? tc_product_f32(scratch[hidden + i], sum) : sum));
      h[i] = tc_product_f32(1.0F - scratch[i], n) + tc_product_f32(scratch[i], h[i]);
    }
    if (y) memcpy(y + at * y_step, h, (size_t)hidden * sizeof(float));
  }
}

#endif
