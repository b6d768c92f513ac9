/* LSTM and GRU in integers, one direction: weights in 8 bits, states in 16.
 *
 * tc_lstm_steps and tc_gru_steps take a matrix as whatever multiplies its rows with a vector: here rows of bytes, in
 * recurrent_relative_s16.h a stream.
 *
 * x int8 [steps][inputs]; y int8 [steps] rows of `hidden`, y_step apart, on a grid of its own (null: not wanted); state
 * [hidden] of h, for LSTM then [hidden] of c, at the end; h0 and c0 at the start (null: zeros; may be those of state).
 * Steps run from the last to the first when reverse = 1. Weights w [gates * hidden][inputs], r [gates *
 * hidden][hidden].
 *
 * Numbers. h and the gates have 15 fractional bits and lie in (-1, 1); c has 11, saturated at 16. What goes into a gate
 * has 12 and shift more, in 32 bits: (hi32(sum_w * x_factor * mw) + hi32(sum_r * h_factor * mr) + bias), rounded once
 * when shift is taken off. x_factor and h_factor are the powers of two that bring sums to the top of 32 bits; the zero
 * point of x and the rounding are in the bias. `channels`: bias [gates * hidden], mw [gates * hidden], mr [gates *
 * hidden], for GRU then the bias of r of the candidate [hidden], which only linear = 1 reads.
 *
 * sigmoid(t) for 0 <= t < 11 is linear between 177 entries `table` at steps of 1/16, off by less than 2 of 2^15; the
 * other half is its mirror image, 1 behind 11. tanh(t) = 2 sigmoid(2 t) - 1.
 * LSTM, gates i, o, f, n: c = sig(f) c + sig(i) tanh(n), h = sig(o) tanh(c).
 * GRU, gates z, r, n: h = tanh(n) + sig(z) (h - tanh(n)). With linear = 1 the candidate's recurrent sum, bias included,
 * is multiplied by sig(r); with 0, h is, before the sum.
 *
 * Range, proved offline: a row's sum |r| is at most 65538, so that sums of 16-bit states fit 32 bits, and what goes
 * into a gate stays below 2^30 for any x and h. scratch, with p(n) = n up to a multiple of 4: for LSTM 16 * hidden + 2
 * * (p(inputs) + p(hidden)) bytes, for GRU 12 * hidden + 6 * p(hidden) + 2 * p(inputs). Nothing overlaps but as said.
 * Cost on Cortex-M4: 1.5 instructions a product, 12 a row of each matrix, 20 a function.
 */
#ifndef TC_RECURRENT_S16_H
#define TC_RECURRENT_S16_H

#include "base.h"

/* Where element i of a vector lies that meets weights: where SXTB16 leaves the weight. */
TC_INLINE int32_t tc_lane_s16(int32_t i) {
#ifdef TC_DSP
  return (i & ~3) | ((i & 1) << 1) | ((i >> 1) & 1);
#else
  return i;
#endif
}

#if defined(TC_DSP)

#define TC_ROW(at, sum)                              \
  {                                                  \
    const uint32_t four = tc_load4(at);              \
    sum = tc_dual_mac(tc_widen_even(four), ac, sum); \
    sum = tc_dual_mac(tc_widen_odd(four), bd, sum);  \
  }
#define TC_FOUR_ROWS                       \
  const int16_t* end = in + row;           \
  const int8_t* w = weights;               \
  for (const int16_t* v = in; v != end;) { \
    const uint32_t ac = tc_load4(v);       \
    const uint32_t bd = tc_load4(v + 2);   \
    v += 4;                                \
    TC_ROW(w + second, sum1)               \
    TC_ROW(w + third, sum2)                \
    TC_ROW(w + fourth, sum3)               \
    TC_ROW(w, sum0)                        \
    w += 4;                                \
  }

#elif defined(TC_MVE)

#define TC_FOUR_ROWS                                                                                                   \
  const int16_t* v = in;                                                                                               \
  const int8_t* w0 = weights;                                                                                          \
  const int8_t* w1 = weights + second;                                                                                 \
  const int8_t* w2 = weights + third;                                                                                  \
  const int8_t* w3 = weights + fourth;                                                                                 \
  __asm__ volatile(                                                                                                    \
      "dlstp.16 lr, %[count]\n"                                                                                        \
      "1:\n\t"                                                                                                         \
      "vldrh.u16 q0, [%[v]], #16\n\t"                                                                                  \
      "vldrb.s16 q1, [%[w0]], #8\n\t"                                                                                  \
      "vmladava.s16 %[a], q0, q1\n\t"                                                                                  \
      "vldrb.s16 q2, [%[w1]], #8\n\t"                                                                                  \
      "vmladava.s16 %[b], q0, q2\n\t"                                                                                  \
      "vldrb.s16 q1, [%[w2]], #8\n\t"                                                                                  \
      "vmladava.s16 %[c], q0, q1\n\t"                                                                                  \
      "vldrb.s16 q2, [%[w3]], #8\n\t"                                                                                  \
      "vmladava.s16 %[d], q0, q2\n\t"                                                                                  \
      "letp lr, 1b\n\t"                                                                                                \
      : [a] "+Te"(sum0), [b] "+Te"(sum1), [c] "+Te"(sum2), [d] "+Te"(sum3), [v] "+r"(v), [w0] "+l"(w0), [w1] "+l"(w1), \
        [w2] "+l"(w2), [w3] "+l"(w3)                                                                                   \
      : [count] "r"(row)                                                                                               \
      : "lr", "q0", "q1", "q2", "memory");

#else

#define TC_ROW(i)               \
  {                             \
    const int32_t value = v[i]; \
    sum0 += value * w0[i];      \
    sum1 += value * w1[i];      \
    sum2 += value * w2[i];      \
    sum3 += value * w3[i];      \
  }
#define TC_FOUR_ROWS                   \
  const int16_t* v = in;               \
  const int16_t* end = in + row;       \
  const int8_t* w0 = weights;          \
  const int8_t* w1 = weights + second; \
  const int8_t* w2 = weights + third;  \
  const int8_t* w3 = weights + fourth; \
  while (v != end) {                   \
    TC_ROW(0)                          \
    TC_ROW(1)                          \
    TC_ROW(2)                          \
    TC_ROW(3)                          \
    v += 4;                            \
    w0 += 4;                           \
    w1 += 4;                           \
    w2 += 4;                           \
    w3 += 4;                           \
  }

#endif

/* Rows first, first + 1 ... of a matrix times the vector: sums[k] = start[k] + hi32(row first + k times the vector,
 * times factor * multipliers[k]); sums may be start. Rows are asked for in order, and from 0 on again. */
typedef void (*tc_rows_product)(void* matrix, const int16_t* in, int32_t* sums, const int32_t* start,
                                const int32_t* multipliers, int32_t first, int32_t rows, int32_t count, int32_t factor);

typedef struct {
  tc_rows_product multiply;
  void* matrix;
  int32_t in_lanes; /* its vectors are put where tc_lane_s16 says */
} tc_weights_s16;

/* `matrix` points to the pointer to weights. */
TC_NOINLINE void tc_rows_s16(void* matrix, const int16_t* in, int32_t* sums, const int32_t* start,
                             const int32_t* multipliers, int32_t first, int32_t rows, int32_t count, int32_t factor) {
  const int32_t row = (count + 3) & ~3;
  const int8_t* weights = *(const int8_t**)matrix + first * row;
  for (; rows > 0; rows -= 4, weights += 4 * row, sums += 4, start += 4, multipliers += 4) {
    const int32_t second = rows > 1 ? row : 0;
    const int32_t third = rows > 2 ? 2 * row : 0;
    const int32_t fourth = rows > 3 ? 3 * row : 0;
    int32_t sum0 = 0;
    int32_t sum1 = 0;
    int32_t sum2 = 0;
    int32_t sum3 = 0;
    TC_FOUR_ROWS
    sums[0] = start[0] + tc_mul_high(sum0 * factor, multipliers[0]);
    if (rows > 1) sums[1] = start[1] + tc_mul_high(sum1 * factor, multipliers[1]);
    if (rows > 2) sums[2] = start[2] + tc_mul_high(sum2 * factor, multipliers[2]);
    if (rows > 3) sums[3] = start[3] + tc_mul_high(sum3 * factor, multipliers[3]);
  }
}

#undef TC_FOUR_ROWS
#undef TC_ROW

/* sigmoid, or with is_tanh = 1 tanh, of values with 12 + shift fractional bits, in place. */
TC_NOINLINE void tc_gates_s16(int32_t* values, const int16_t* table, int32_t count, int32_t shift, int32_t is_tanh) {
  const int32_t most = 11 * 4096 - 1;
  for (int32_t i = 0; i < count; ++i) {
    const int32_t x = (values[i] >> shift) * (1 << is_tanh);
    const int32_t magnitude = x < 0 ? -x : x;
    const int32_t at = magnitude > most ? most : magnitude;
    const int16_t* entry = table + (at >> 8);
    const int32_t right = entry[0] + (((entry[1] - entry[0]) * (at & 255) + 128) >> 8);
    const int32_t sigmoid = x < 0 ? 32768 - right : right;
    values[i] = is_tanh != 0 ? 2 * sigmoid - 32768 : sigmoid;
  }
}

/* States to a grid of 8 bits. */
TC_NOINLINE void tc_narrow_s16(const int16_t* in, int8_t* out, int32_t count, int32_t multiplier, int32_t rounding,
                               int32_t shift, int32_t low, int32_t high) {
  for (int32_t i = 0; i < count; ++i)
    out[i] = (int8_t)tc_clamp(tc_requantize(in[i], multiplier, rounding, shift), low, high);
}

/* A grid of 8 bits to states: (q - zero_point) * multiplier / 2^shift, rounded, saturated; |multiplier| < 2^22. */
TC_FN void tc_widen_s16(const int8_t* in, int16_t* out, int32_t count, int32_t zero_point, int32_t multiplier,
                        int32_t shift) {
  for (int32_t i = 0; i < count; ++i) {
    const int32_t value = ((in[i] - zero_point) * multiplier + (1 << (shift - 1))) >> shift;
    out[i] = (int16_t)tc_clamp(value, -32767, 32767);
  }
}

TC_INLINE int32_t tc_product_s16(int32_t a, int32_t b) {
  return (a * b + (1 << 14)) >> 15;
}

TC_INLINE void tc_start_s16(const int16_t* from, int16_t* state, int32_t hidden) {
  if (!from)
    memset(state, 0, (size_t)hidden * sizeof(int16_t));
  else if (from != state)
    memmove(state, from, (size_t)hidden * sizeof(int16_t));
}

TC_INLINE int32_t tc_place_s16(int32_t i, int32_t in_lanes) {
  return in_lanes != 0 ? tc_lane_s16(i) : i;
}

/* Zeros behind the last element, the vector's elements in front. */
TC_INLINE void tc_vector_s16(const int16_t* from, int16_t* vector, int32_t count, int32_t in_lanes) {
  memset(vector, 0, (size_t)((count + 3) & ~3) * sizeof(int16_t));
  if (!from) return;
  for (int32_t i = 0; i < count; ++i) vector[tc_place_s16(i, in_lanes)] = from[i];
}

TC_INLINE void tc_lstm_steps(const int8_t* x, int8_t* y, int16_t* state, void* scratch, const int16_t* h0,
                             const int16_t* c0, tc_weights_s16 w, tc_weights_s16 r, const int32_t* channels,
                             const int16_t* table, int32_t steps, int32_t inputs, int32_t hidden, int32_t y_step,
                             int32_t reverse, int32_t x_factor, int32_t h_factor, int32_t shift, int32_t multiplier,
                             int32_t rounding, int32_t y_shift, int32_t low, int32_t high) {
  const int32_t rows = 4 * hidden;
  int32_t* gates = (int32_t*)scratch;
  int16_t* x_vector = (int16_t*)(gates + rows);
  int16_t* h_vector = x_vector + ((inputs + 3) & ~3);
  int16_t* c = state + hidden;
  tc_start_s16(h0, state, hidden);
  tc_start_s16(c0, c, hidden);
  tc_vector_s16(0, x_vector, inputs, w.in_lanes);
  tc_vector_s16(state, h_vector, hidden, r.in_lanes);
  for (int32_t step = 0; step < steps; ++step) {
    const int32_t at = reverse != 0 ? steps - 1 - step : step;
    for (int32_t i = 0; i < inputs; ++i) x_vector[tc_place_s16(i, w.in_lanes)] = x[at * inputs + i];
    w.multiply(w.matrix, x_vector, gates, channels, channels + rows, 0, rows, inputs, x_factor);
    r.multiply(r.matrix, h_vector, gates, gates, channels + 2 * rows, 0, rows, hidden, h_factor);
    tc_gates_s16(gates, table, 3 * hidden, shift, 0);
    tc_gates_s16(gates + 3 * hidden, table, hidden, shift, 1);
    for (int32_t i = 0; i < hidden; ++i) {
      const int32_t added = (gates[i] * gates[3 * hidden + i]) >> 4;
      const int32_t next = (gates[2 * hidden + i] * c[i] + added + (1 << 14)) >> 15;
      c[i] = (int16_t)tc_clamp(next, -32767, 32767);
      gates[i] = 2 * c[i];
    }
    tc_gates_s16(gates, table, hidden, 0, 1);
    for (int32_t i = 0; i < hidden; ++i) {
      state[i] = (int16_t)tc_product_s16(gates[hidden + i], gates[i]);
      h_vector[tc_place_s16(i, r.in_lanes)] = state[i];
    }
    if (y) tc_narrow_s16(state, y + at * y_step, hidden, multiplier, rounding, y_shift, low, high);
  }
}

TC_INLINE void tc_gru_steps(const int8_t* x, int8_t* y, int16_t* state, void* scratch, const int16_t* h0,
                            tc_weights_s16 w, tc_weights_s16 r, const int32_t* channels, const int16_t* table,
                            int32_t steps, int32_t inputs, int32_t hidden, int32_t y_step, int32_t reverse,
                            int32_t linear, int32_t x_factor, int32_t h_factor, int32_t shift, int32_t multiplier,
                            int32_t rounding, int32_t y_shift, int32_t low, int32_t high) {
  const int32_t rows = 3 * hidden;
  const int32_t padded = (hidden + 3) & ~3;
  const int32_t* r_multipliers = channels + 2 * rows;
  int32_t* gates = (int32_t*)scratch;
  int32_t* n = gates + 2 * hidden;
  int32_t* sums = gates + rows; /* of r for the candidate; its bytes, or the vector that r meets instead of h */
  int16_t* reset = (int16_t*)sums;
  int16_t* h_vector = (int16_t*)(sums + padded);
  int16_t* x_vector = h_vector + padded;
  tc_start_s16(h0, state, hidden);
  tc_vector_s16(0, x_vector, inputs, w.in_lanes);
  tc_vector_s16(0, reset, hidden, r.in_lanes);
  tc_vector_s16(state, h_vector, hidden, r.in_lanes);
  for (int32_t step = 0; step < steps; ++step) {
    const int32_t at = reverse != 0 ? steps - 1 - step : step;
    for (int32_t i = 0; i < inputs; ++i) x_vector[tc_place_s16(i, w.in_lanes)] = x[at * inputs + i];
    w.multiply(w.matrix, x_vector, gates, channels, channels + rows, 0, rows, inputs, x_factor);
    r.multiply(r.matrix, h_vector, gates, gates, r_multipliers, 0, 2 * hidden, hidden, h_factor);
    tc_gates_s16(gates, table, 2 * hidden, shift, 0);
    if (linear != 0) {
      r.multiply(r.matrix, h_vector, sums, channels + 3 * rows, r_multipliers + 2 * hidden, 2 * hidden, hidden, hidden,
                 h_factor);
      for (int32_t i = 0; i < hidden; ++i) n[i] += tc_mul_high(2 * sums[i], gates[hidden + i] * 65536);
    } else {
      for (int32_t i = 0; i < hidden; ++i)
        reset[tc_place_s16(i, r.in_lanes)] = (int16_t)tc_product_s16(gates[hidden + i], state[i]);
      r.multiply(r.matrix, reset, n, n, r_multipliers + 2 * hidden, 2 * hidden, hidden, hidden, h_factor);
    }
    tc_gates_s16(n, table, hidden, shift, 1);
    for (int32_t i = 0; i < hidden; ++i) {
      state[i] = (int16_t)(n[i] + tc_product_s16(gates[i], state[i] - n[i]));
      h_vector[tc_place_s16(i, r.in_lanes)] = state[i];
    }
    if (y) tc_narrow_s16(state, y + at * y_step, hidden, multiplier, rounding, y_shift, low, high);
  }
}

TC_FN void tc_lstm_s8(const int8_t* x, int8_t* y, int16_t* state, void* scratch, const int16_t* h0, const int16_t* c0,
                      const int8_t* w, const int8_t* r, const int32_t* channels, const int16_t* table, int32_t steps,
                      int32_t inputs, int32_t hidden, int32_t y_step, int32_t reverse, int32_t x_factor,
                      int32_t h_factor, int32_t shift, int32_t multiplier, int32_t rounding, int32_t y_shift,
                      int32_t low, int32_t high) {
  const tc_weights_s16 by_x = {tc_rows_s16, (void*)&w, 1};
  const tc_weights_s16 by_h = {tc_rows_s16, (void*)&r, 1};
  tc_lstm_steps(x, y, state, scratch, h0, c0, by_x, by_h, channels, table, steps, inputs, hidden, y_step, reverse,
                x_factor, h_factor, shift, multiplier, rounding, y_shift, low, high);
}

TC_FN void tc_gru_s8(const int8_t* x, int8_t* y, int16_t* state, void* scratch, const int16_t* h0, const int8_t* w,
                     const int8_t* r, const int32_t* channels, const int16_t* table, int32_t steps, int32_t inputs,
                     int32_t hidden, int32_t y_step, int32_t reverse, int32_t linear, int32_t x_factor,
                     int32_t h_factor, int32_t shift, int32_t multiplier, int32_t rounding, int32_t y_shift,
                     int32_t low, int32_t high) {
  const tc_weights_s16 by_x = {tc_rows_s16, (void*)&w, 1};
  const tc_weights_s16 by_h = {tc_rows_s16, (void*)&r, 1};
  tc_gru_steps(x, y, state, scratch, h0, by_x, by_h, channels, table, steps, inputs, hidden, y_step, reverse, linear,
               x_factor, h_factor, shift, multiplier, rounding, y_shift, low, high);
}

#endif
