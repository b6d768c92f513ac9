/* LSTM and GRU from sparse streams: the bits of the plain kernels with the decoded weights. Streams that are none harm
 * nothing: that is for the sanitizers of hosts to find. */
#include "../../../src/rt/coded_s8.h"
#include "../../../src/rt/recurrent_relative_s16.h"
#include "../harness.h"

enum { kMost = 40, kSteps = 3, kLong = 600, kStream = 4000, kGuard = 77 };

static int8_t x[kSteps * kLong];
static int8_t y[kSteps * (kLong + 2) + 1], expected_y[kSteps * (kLong + 2) + 1];
static uint8_t w_stream[kStream], r_stream[kStream];
static int8_t w[4 * kMost * kMost] __attribute__((aligned(4)));
static int8_t r[4 * kMost * kMost] __attribute__((aligned(4)));
static int8_t levels[2 * kMost] __attribute__((aligned(4)));
static int32_t channels[13 * kLong];
static int16_t table[177];
static int16_t start[2 * kLong], state[2 * kLong + 1], expected[2 * kLong];
static int32_t scratch[6 * kLong];

static int32_t steps, inputs, hidden, gates, reverse, linear, x_factor, h_factor, shift, y_step;

/* Entries of either form: gaps as they come, or short. Its length, which may be that of a cut stream. */
static int32_t make_stream(uint8_t* stream) {
  const int32_t bits = pick(1, 8);
  for (int32_t i = 0; i < kStream; ++i) stream[i] = (uint8_t)next_random();
  stream[0] = (uint8_t)bits;
  if (bits < TC_PAIR_ENTRIES) {
    for (int32_t i = 1; i <= 1 << bits; ++i) stream[i] = (uint8_t)pick(-31, 31);
  } else {
    for (int32_t i = 1; i + 1 < kStream; i += 2) {
      stream[i] = (uint8_t)pick(0, pick(0, 3) == 0 ? 255 : 8);
      stream[i + 1] = (uint8_t)pick(-31, 31);
    }
  }
  return pick(0, 3) == 0 ? 200 + pick(0, 99) : kStream - pick(0, 9);
}

static void decode(const uint8_t* stream, int32_t length, int8_t* weights, int32_t columns) {
  tc_relative decoder;
  check(tc_relative_open(stream, &decoder, length) == TC_DECODED, "a stream's beginning");
  tc_decode_s8(&decoder, levels, weights, 0, gates * hidden, columns, 0);
}

static void draw(int32_t kind, int32_t most) {
  gates = kind == 0 ? 4 : 3;
  linear = kind == 2;
  reverse = pick(0, 1);
  steps = pick(1, kSteps);
  inputs = pick(1, most);
  hidden = pick(1, most);
  y_step = hidden + pick(0, 2);
  shift = pick(1, 5);
  x_factor = 1 << pick(0, shift + 2);
  h_factor = 1 << pick(0, shift - 1);
  for (int32_t i = 0; i < steps * inputs; ++i) x[i] = random_s8();
  for (int32_t i = 0; i < gates * hidden; ++i) {
    channels[i] = pick(-60000, 60000);
    channels[gates * hidden + i] = pick(1 << 27, 1 << 30);
    channels[2 * gates * hidden + i] = pick(1 << 22, 1 << 25);
  }
  for (int32_t i = 3 * gates * hidden; i < (3 * gates + 1) * hidden; ++i) channels[i] = pick(-30000, 30000);
  for (int32_t i = 0; i < 2 * hidden; ++i) start[i] = (int16_t)pick(-8000, 8000);
  memset(y, kGuard, sizeof y);
  memset(expected_y, kGuard, sizeof expected_y);
  state[2 * hidden] = kGuard;
}

static void call(int32_t w_length, int32_t r_length, const int16_t* before) {
  const int16_t* const c0 = before ? before + hidden : 0;
  if (gates == 4)
    tc_lstm_relative_s8(x, y, state, scratch, before, c0, w_stream, r_stream, channels, table, w_length, r_length,
                        steps, inputs, hidden, y_step, reverse, x_factor, h_factor, shift, 1 << 29, (3 << 4) + 8, 4,
                        -128, 127);
  else
    tc_gru_relative_s8(x, y, state, scratch, before, w_stream, r_stream, channels, table, w_length, r_length, steps,
                       inputs, hidden, y_step, reverse, linear, x_factor, h_factor, shift, 1 << 29, (3 << 4) + 8, 4,
                       -128, 127);
}

static void call_plain(const int16_t* before) {
  const int16_t* const c0 = before ? before + hidden : 0;
  if (gates == 4)
    tc_lstm_s8(x, expected_y, expected, scratch, before, c0, w, r, channels, table, steps, inputs, hidden, y_step,
               reverse, x_factor, h_factor, shift, 1 << 29, (3 << 4) + 8, 4, -128, 127);
  else
    tc_gru_s8(x, expected_y, expected, scratch, before, w, r, channels, table, steps, inputs, hidden, y_step, reverse,
              linear, x_factor, h_factor, shift, 1 << 29, (3 << 4) + 8, 4, -128, 127);
}

static void test_layer(int32_t kind) {
  const int16_t* const before = pick(0, 2) == 0 ? 0 : start;
  draw(kind, kMost);
  const int32_t w_length = make_stream(w_stream);
  const int32_t r_length = make_stream(r_stream);
  decode(w_stream, w_length, w, inputs);
  decode(r_stream, r_length, r, hidden);
  call_plain(before);
  call(w_length, r_length, before);
  const size_t states = (size_t)((gates == 4 ? 2 : 1) * hidden);
  check(memcmp(state, expected, states * sizeof(int16_t)) == 0, "states");
  check(memcmp(y, expected_y, sizeof y) == 0, "y");
}

/* Any bytes, and long rows of large levels, with numbers that are not for them. */
static void test_damage(int32_t kind) {
  draw(kind, kLong);
  if (kind % 2 == 0) hidden = kLong;
  y_step = hidden;
  shift = 1;
  x_factor = h_factor = 1 << 16;
  for (int32_t i = 0; i < 3 * gates * hidden; ++i) channels[i] = i < gates * hidden ? (1 << 30) - 8 : 0x7FFFFFFF;
  memset(start, 0x7F, sizeof start);
  state[2 * hidden] = kGuard;
  for (int32_t i = 0; i < kStream; ++i) w_stream[i] = r_stream[i] = (uint8_t)next_random();
  w_stream[0] = (uint8_t)pick(0, 9);
  r_stream[0] = 7; /* gaps of 0 or 1, and a table of the largest levels */
  memset(r_stream + 1, 0x7F, 128);
  call(pick(0, kStream), pick(kStream / 2, kStream), start);
  check(state[2 * hidden] == kGuard && y[sizeof y - 1] == kGuard, "nothing behind the results is written");
}

int main(void) {
  for (int32_t i = 0; i < 177; ++i) table[i] = (int16_t)(16384 + 93 * i > 32767 ? 32767 : 16384 + 93 * i);
  for (int32_t i = 0; i < 90; ++i) test_layer(i % 3);
  for (int32_t i = 0; i < 6; ++i) test_damage(i);
  return finish();
}
