/* LSTM and GRU against their definitions, int8 weights against the floats they stand for, and the bits of both. */
#include "harness.h"
#include "lookup_s8.h"
#include "recurrent_f32.h"

enum { kSteps = 5, kInputs = 7, kHidden = 6 };

static float x[kSteps * kInputs];
static float y[kSteps * kHidden];
static float states[4][kHidden];
static float scratch[4 * kHidden];
static float scales[2 * 4 * kHidden];
static float bias[6 * kHidden];
static int8_t w[4 * kHidden * kInputs];
static int8_t r[4 * kHidden * kHidden];
static float w_floats[4 * kHidden * kInputs];
static float r_floats[4 * kHidden * kHidden];
static uint32_t hash = 2166136261U;

static float random_f32(void) {
  return (float)((int32_t)(next_random() >> 7) - (1 << 24)) / 16777216.0F;
}

static void fill(int32_t gates) {
  for (int32_t i = 0; i < kSteps * kInputs; ++i) x[i] = 2.0F * random_f32();
  for (int32_t i = 0; i < 2 * gates * kHidden; ++i) scales[i] = 0.006F + 0.002F * random_f32();
  for (int32_t i = 0; i < 6 * kHidden; ++i) bias[i] = 0.5F * random_f32();
  for (int32_t i = 0; i < gates * kHidden * kInputs; ++i) {
    w[i] = random_s8();
    w_floats[i] = (float)w[i] * scales[i / kInputs];
  }
  for (int32_t i = 0; i < gates * kHidden * kHidden; ++i) {
    r[i] = random_s8();
    r_floats[i] = (float)r[i] * scales[gates * kHidden + i / kHidden];
  }
  for (int32_t i = 0; i < kHidden; ++i) states[0][i] = random_f32();
  for (int32_t i = 0; i < kHidden; ++i) states[1][i] = random_f32();
}

static void add_to_hash(const float* from, int32_t count) {
  for (int32_t i = 0; i < count; ++i) hash = (hash ^ tc_bits_of_f32(from[i])) * 16777619U;
}

static int close_to(float a, float b) {
  return tc_abs_f32(a - b) < 2e-6F;
}

static float row_sum(const float* weights, const float* by, int32_t row, int32_t count) {
  float sum = 0.0F;
  for (int32_t k = 0; k < count; ++k) sum += weights[row * count + k] * by[k];
  return sum;
}

static void test_lstm(int32_t reverse, int with_states) {
  float h[kHidden];
  float c[kHidden];
  fill(4);
  tc_lstm_f32(x, y, states[2], states[3], scratch, with_states ? states[0] : 0, with_states ? states[1] : 0, w, r,
              scales, bias, kSteps, kInputs, kHidden, kInputs, kHidden, reverse);
  add_to_hash(y, kSteps * kHidden);
  for (int32_t i = 0; i < kHidden; ++i) h[i] = with_states ? states[0][i] : 0.0F;
  for (int32_t i = 0; i < kHidden; ++i) c[i] = with_states ? states[1][i] : 0.0F;
  for (int32_t step = 0; step < kSteps; ++step) {
    const int32_t at = reverse ? kSteps - 1 - step : step;
    float gates[4 * kHidden];
    for (int32_t i = 0; i < 4 * kHidden; ++i)
      gates[i] = row_sum(w_floats, x + at * kInputs, i, kInputs) + row_sum(r_floats, h, i, kHidden) + bias[i];
    for (int32_t i = 0; i < kHidden; ++i) {
      c[i] = tc_sigmoid_f32(gates[2 * kHidden + i]) * c[i] +
             tc_sigmoid_f32(gates[i]) * tc_tanh_f32(gates[3 * kHidden + i]);
      h[i] = tc_sigmoid_f32(gates[kHidden + i]) * tc_tanh_f32(c[i]);
      check(close_to(y[at * kHidden + i], h[i]), "lstm");
    }
  }
  for (int32_t i = 0; i < kHidden; ++i) check(close_to(states[2][i], h[i]) && close_to(states[3][i], c[i]), "states");
  tc_lstm_f32(x, 0, states[0], states[1], scratch, with_states ? states[0] : 0, with_states ? states[1] : 0, w_floats,
              r_floats, 0, bias, kSteps, kInputs, kHidden, kInputs, kHidden, reverse);
  add_to_hash(states[0], kHidden);
  for (int32_t i = 0; i < kHidden; ++i) check(close_to(states[0][i], h[i]), "lstm of floats, states in place");
}

static void test_gru(int32_t reverse, int32_t linear) {
  float h[kHidden];
  fill(3);
  tc_gru_f32(x, y, states[2], scratch, states[0], w, r, scales, bias, kSteps, kInputs, kHidden, kInputs, kHidden,
             reverse, linear);
  add_to_hash(y, kSteps * kHidden);
  memcpy(h, states[0], sizeof h);
  for (int32_t step = 0; step < kSteps; ++step) {
    const int32_t at = reverse ? kSteps - 1 - step : step;
    const float* now = x + at * kInputs;
    float gates[2 * kHidden];
    float reset[kHidden];
    float next[kHidden];
    for (int32_t i = 0; i < 2 * kHidden; ++i)
      gates[i] = tc_sigmoid_f32(row_sum(w_floats, now, i, kInputs) + row_sum(r_floats, h, i, kHidden) + bias[i] +
                                bias[3 * kHidden + i]);
    for (int32_t i = 0; i < kHidden; ++i) reset[i] = linear ? h[i] : gates[kHidden + i] * h[i];
    for (int32_t i = 0; i < kHidden; ++i) {
      const int32_t row = 2 * kHidden + i;
      const float sum = row_sum(r_floats, reset, row, kHidden) + bias[3 * kHidden + row];
      const float n =
          tc_tanh_f32(row_sum(w_floats, now, row, kInputs) + bias[row] + (linear ? gates[kHidden + i] * sum : sum));
      next[i] = (1.0F - gates[i]) * n + gates[i] * h[i];
    }
    memcpy(h, next, sizeof h);
    for (int32_t i = 0; i < kHidden; ++i) check(close_to(y[at * kHidden + i], h[i]), "gru");
  }
  tc_gru_f32(x, 0, states[3], scratch, states[0], w_floats, r_floats, 0, bias, kSteps, kInputs, kHidden, kInputs,
             kHidden, reverse, linear);
  add_to_hash(states[3], kHidden);
  for (int32_t i = 0; i < kHidden; ++i) check(close_to(states[3][i], h[i]), "gru of floats");
}

static void test_lookup(void) {
  static const uint8_t indices[4] = {2, 0, 9, 1};
  static const int8_t table[6] = {1, 2, 3, 4, 5, 6};
  static const int8_t expected[8] = {5, 6, 1, 2, 5, 6, 3, 4};
  int8_t found[8];
  tc_lookup_s8(indices, found, table, 4, 3, 2);
  check(memcmp(found, expected, 8) == 0, "lookup");
}

int main(void) {
  test_lookup();
  for (int32_t i = 0; i < 4; ++i) {
    test_lstm(i % 2, i / 2);
    test_gru(i % 2, i / 2);
  }
  check(hash == 2452337749U, "the same bits as everywhere");
  return finish();
}
