/* LSTM and GRU in integers: each step against the definition in double from the same states, many steps against as many
 * calls of one step, and the bits of both. */
#include "recurrent_s16.h"

#include "function_f32.h"
#include "harness.h"
#include "state_f32.h"

enum { kMost = 11, kSteps = 4, kGuard = 77 };

static int8_t x[kSteps * kMost];
static int8_t y[kSteps * (kMost + 2) + 1];
static int8_t y_single[kMost + 2];
static int8_t w[4 * kMost * 12];
static int8_t r[4 * kMost * 12];
static int32_t channels[13 * kMost];
static int16_t table[177];
static int16_t start[2 * kMost];
static int16_t state[2 * kMost + 1];
static int16_t single[2 * kMost];
static int32_t scratch[4 * kMost + 13];
static uint32_t hash = 2166136261U;

static int32_t steps, inputs, hidden, gates, reverse, linear, x_factor, h_factor, shift, y_step;

static double magnitude_of(double value) {
  return value < 0 ? -value : value;
}

/* Good to 2^-22, with a series and squarings: nothing of it is in the kernels. */
static double sigmoid(double value) {
  double power = 1.0;
  double term = 1.0;
  const double small = -(value < 0 ? -value : value) / 64.0;
  for (int32_t i = 1; i < 12; ++i) {
    term *= small / (double)i;
    power += term;
  }
  for (int32_t i = 0; i < 6; ++i) power *= power;
  return value < 0 ? power / (1.0 + power) : 1.0 / (1.0 + power);
}

static double hyperbolic(double value) {
  return 2.0 * sigmoid(2.0 * value) - 1.0;
}

static void fill_table(void) {
  for (int32_t i = 0; i < 177; ++i) {
    const int32_t entry = (int32_t)(32768.0 * sigmoid((double)i / 16.0) + 0.5);
    table[i] = (int16_t)(entry > 32767 ? 32767 : entry);
  }
}

static void draw(void) {
  const int32_t rows = gates * hidden;
  const int32_t x_row = (inputs + 3) & ~3;
  const int32_t h_row = (hidden + 3) & ~3;
  for (int32_t i = 0; i < kSteps * kMost; ++i) x[i] = random_s8();
  for (int32_t i = 0; i < rows * x_row; ++i) w[i] = (int8_t)(i % x_row < inputs ? random_s8() : 0);
  for (int32_t i = 0; i < rows * h_row; ++i) r[i] = (int8_t)(i % h_row < hidden ? random_s8() : 0);
  for (int32_t i = 0; i < rows; ++i) {
    channels[i] = pick(-60000, 60000);
    channels[rows + i] = pick(1 << 27, 1 << 30);
    channels[2 * rows + i] = pick(1 << 22, 1 << 25);
  }
  for (int32_t i = 3 * rows; i < 3 * rows + hidden; ++i) channels[i] = pick(-30000, 30000);
  for (int32_t i = 0; i < hidden; ++i) start[i] = (int16_t)pick(-32767, 32767);
  for (int32_t i = hidden; i < 2 * hidden; ++i) start[i] = (int16_t)pick(-8000, 8000);
}

static void call(const int8_t* from, int8_t* to, int16_t* states, const int16_t* before, int32_t count) {
  if (gates == 4)
    tc_lstm_s8(from, to, states, scratch, before, before ? before + hidden : 0, w, r, channels, table, count, inputs,
               hidden, y_step, reverse, x_factor, h_factor, shift, 1 << 29, (3 << 4) + 8, 4, -128, 127);
  else
    tc_gru_s8(from, to, states, scratch, before, w, r, channels, table, count, inputs, hidden, y_step, reverse, linear,
              x_factor, h_factor, shift, 1 << 29, (3 << 4) + 8, 4, -128, 127);
}

/* The products of a row with x (or with h), in units of what goes into the gate. */
static double with_x(const int8_t* from, int32_t row) {
  int64_t sum = 0;
  for (int32_t k = 0; k < inputs; ++k) sum += from[k] * w[row * ((inputs + 3) & ~3) + k];
  return (double)(sum * x_factor) * (double)channels[gates * hidden + row] / 4294967296.0;
}

static double with_h(const double* from, int32_t row) {
  double sum = 0;
  for (int32_t k = 0; k < hidden; ++k) sum += from[k] * r[row * ((hidden + 3) & ~3) + k];
  return sum * 32768.0 * (double)h_factor * (double)channels[2 * gates * hidden + row] / 4294967296.0;
}

/* One step from h and c. */
static void define(const int8_t* from, double* h, double* c) {
  const double unit = (double)(4096 << shift);
  double sums[4 * kMost];
  double next[kMost];
  double reset[kMost];
  for (int32_t row = 0; row < gates * hidden; ++row) {
    sums[row] = with_x(from, row) + (double)channels[row] - (double)(1 << shift) / 2.0;
    if (gates == 4 || row < 2 * hidden) sums[row] += with_h(h, row);
    sums[row] /= unit;
  }
  for (int32_t i = 0; i < hidden && gates == 4; ++i) {
    c[i] = sigmoid(sums[2 * hidden + i]) * c[i] + sigmoid(sums[i]) * hyperbolic(sums[3 * hidden + i]);
    next[i] = sigmoid(sums[hidden + i]) * hyperbolic(c[i]);
  }
  for (int32_t i = 0; i < hidden; ++i) reset[i] = linear ? h[i] : sigmoid(sums[hidden + i]) * h[i];
  for (int32_t i = 0; i < hidden && gates == 3; ++i) {
    const double by_r = with_h(reset, 2 * hidden + i) + (linear ? (double)channels[9 * hidden + i] : 0.0);
    const double added = (linear ? sigmoid(sums[hidden + i]) : 1.0) * by_r / unit;
    const double z = sigmoid(sums[i]);
    next[i] = (1.0 - z) * hyperbolic(sums[2 * hidden + i] + added) + z * h[i];
  }
  memcpy(h, next, (size_t)hidden * sizeof(double));
}

/* One call of one step; the state that it leaves is `single`. */
static void test_step(const int8_t* from) {
  double h[kMost];
  double c[kMost];
  for (int32_t i = 0; i < hidden; ++i) h[i] = (double)single[i] / 32768.0;
  for (int32_t i = 0; i < hidden; ++i) c[i] = (double)single[hidden + i] / 2048.0;
  define(from, h, c);
  call(from, y_single, single, single, 1);
  for (int32_t i = 0; i < hidden; ++i) {
    check(magnitude_of((double)single[i] / 32768.0 - h[i]) < 8e-4, "h");
    if (gates == 4) check(magnitude_of((double)single[hidden + i] / 2048.0 - c[i]) < 1e-3, "c");
    check(y_single[i] == tc_clamp((single[i] + 3 * 128 + 64) >> 7, -128, 127), "y");
  }
}

static void test_layer(int32_t kind) {
  int32_t states;
  const int32_t from_zero = pick(0, 2) == 0;
  gates = kind == 0 ? 4 : 3;
  linear = kind == 2;
  reverse = pick(0, 1);
  steps = pick(1, kSteps);
  inputs = pick(1, kMost);
  hidden = pick(1, kMost);
  y_step = hidden + pick(0, 2);
  shift = pick(1, 5);
  x_factor = 1 << pick(0, shift + 2);
  h_factor = 1 << pick(0, shift - 1);
  states = (gates == 4 ? 2 : 1) * hidden;
  draw();
  memset(y, kGuard, sizeof y);
  for (int32_t i = states; i < 2 * kMost + 1; ++i) state[i] = kGuard;
  for (int32_t i = 0; i < states; ++i) single[i] = from_zero ? 0 : start[i];
  call(x, y, state, from_zero ? 0 : start, steps);
  for (int32_t step = 0; step < steps; ++step) {
    const int32_t at = reverse ? steps - 1 - step : step;
    test_step(x + at * inputs);
    check(memcmp(y + at * y_step, y_single, (size_t)hidden) == 0, "steps in one call");
    for (int32_t i = hidden; i < y_step; ++i) check(y[at * y_step + i] == kGuard, "between rows of y");
  }
  check(memcmp(state, single, (size_t)states * sizeof(int16_t)) == 0, "the states at the end");
  check(y[steps * y_step] == kGuard && state[states] == kGuard, "nothing behind the results is written");
  call(x, 0, single, from_zero ? 0 : start, steps);
  check(memcmp(state, single, (size_t)states * sizeof(int16_t)) == 0, "without y");
  for (int32_t i = 0; i < states; ++i) hash = (hash ^ (uint32_t)(uint16_t)state[i]) * 16777619U;
}

/* Both functions at every 64th of a step of a table, and far outside. */
static void test_functions(void) {
  for (int32_t i = -53248; i <= 53248; i += 52) {
    int32_t value = i;
    tc_gates_s16(&value, table, 1, 0, 0);
    check(magnitude_of((double)value / 32768.0 - sigmoid((double)i / 4096.0)) < 7.5e-5, "sigmoid");
    value = 8 * i + 3;
    tc_gates_s16(&value, table, 1, 3, 1);
    check(magnitude_of((double)value / 32768.0 - hyperbolic((double)i / 4096.0)) < 1.5e-4, "tanh");
  }
  for (int32_t i = 0; i < 2; ++i) {
    int32_t value = i == 0 ? (1 << 30) - 1 : -(1 << 30);
    tc_gates_s16(&value, table, 1, 1, 1);
    check(magnitude_of((double)value) >= 32766.0, "the ends of tanh");
  }
}

static void test_borders(void) {
  static const int8_t bytes[4] = {-128, -3, 0, 127};
  static const int16_t widened[4] = {-32000, 0, 768, 32767};
  static const float reals[5] = {0.5F, -0.25F, 3.0F, -9.0F, 1.0F / 65536.0F};
  static const int16_t states[5] = {16384, -8192, 32767, -32767, 0};
  int16_t found[5];
  float back[5];
  tc_widen_s16(bytes, found, 4, -3, 256 * 64, 6);
  check(memcmp(found, widened, sizeof widened) == 0, "from a grid");
  tc_state_from_f32(reals, found, 5, 15);
  check(memcmp(found, states, sizeof states) == 0, "from floats");
  tc_state_to_f32(states, back, 5, 15);
  check(tc_bits_of_f32(back[0]) == tc_bits_of_f32(0.5F) && tc_bits_of_f32(back[1]) == tc_bits_of_f32(-0.25F),
        "to floats");
}

int main(void) {
  fill_table();
  test_functions();
  test_borders();
  for (int32_t i = 0; i < 120; ++i) test_layer(i % 3);
  check(hash == 2398289337U, "the same bits as everywhere");
  return finish();
}
