/* Products of computed matrices and layer normalization against their definitions. */
#include "harness.h"
#include "layer_norm_s8.h"
#include "matmul_s8.h"

enum { kLargest = 4096 };

static int8_t a[kLargest];
static int8_t b[kLargest];
static int8_t out[kLargest];

static void fill(int8_t* to) {
  for (int32_t i = 0; i < kLargest; ++i) to[i] = random_s8();
}

static void test_matmul(void) {
  const int32_t batches = pick(1, 3);
  const int32_t rows = pick(1, 7);
  const int32_t inner = pick(1, 19);
  const int32_t columns = pick(1, 7);
  const int32_t zero_a = pick(-128, 127);
  const int32_t zero_b = pick(-128, 127);
  const int32_t shift = pick(1, 8);
  const int32_t multiplier = pick(1 << 20, 1 << 26);
  const int32_t rounding = (1 << (shift - 1)) + pick(-60, 60) * (1 << shift);
  const int32_t low = pick(-128, -20);
  const int32_t high = pick(0, 127);
  const int turned_a = pick(0, 1);
  const int turned_b = pick(0, 1);
  const int32_t a_row = turned_a ? 1 : inner;
  const int32_t a_inner = turned_a ? rows : 1;
  const int32_t b_inner = turned_b ? 1 : columns;
  const int32_t b_column = turned_b ? inner : 1;
  const int32_t b_batch = pick(0, 1) * inner * columns;
  /* batches side by side, as heads are */
  const int32_t out_row = batches * columns;
  memset(out, 0x55, sizeof out);
  fill(a);
  fill(b);
  tc_matmul_s8(a, b, out, batches, rows, inner, columns, rows * inner, a_row, a_inner, b_batch, b_inner, b_column,
               columns, out_row, zero_a, zero_b, multiplier, rounding, shift, low, high);
  for (int32_t i = 0; i < batches * rows * columns; ++i) {
    const int32_t batch = i / columns % batches;
    const int32_t row = i / out_row;
    const int32_t column = i % columns;
    int32_t sum = 0;
    for (int32_t k = 0; k < inner; ++k)
      sum += (a[batch * rows * inner + row * a_row + k * a_inner] - zero_a) *
             (b[batch * b_batch + k * b_inner + column * b_column] - zero_b);
    sum = ((int32_t)(((int64_t)sum * multiplier) >> 32) + rounding) >> shift;
    check(out[i] == (sum < low ? low : (sum > high ? high : sum)), "matmul");
  }
  check(out[batches * rows * columns] == 0x55, "matmul ends");
}

static double root(double x) {
  double guess = x > 1.0 ? x : 1.0;
  for (int i = 0; i < 60; ++i) guess = 0.5 * (guess + x / guess);
  return guess;
}

/* Steps of 1/16 around zero_point; scales up to 2. */
static void test_layer_norm(int32_t count) {
  static int32_t channels[2 * 1024];
  static double scales[1024];
  static double biases[1024];
  const int32_t rows = pick(1, 3);
  const int32_t shift = 14;
  const int32_t zero_point = pick(-20, 20);
  const double epsilon =
      pick(0, 1) ? 0.0 : (double)pick(1, 1000) / 16.0; /* in squares of the input's step, times n^2 */
  const uint64_t constant = (uint64_t)(16.0 * epsilon * count * count);
  const int narrow = pick(0, 2) == 0;
  int32_t log_count = 0;
  double one = 4294967296.0 * (double)(1 << shift);
  while ((1 << log_count) < count) ++log_count;
  for (int32_t i = 0; i < 30 - (log_count + 1) / 2; ++i) one *= 0.5;
  for (int32_t i = 0; i < count; ++i) {
    scales[i] = (double)pick(-32, 32); /* 16 steps a deviation */
    biases[i] = (double)pick(-64, 64) / 4.0;
    channels[2 * i] = (int32_t)((biases[i] + zero_point + 0.5) * (1 << shift));
    channels[2 * i + 1] = (int32_t)(scales[i] * one);
  }
  fill(a);
  if (narrow)
    for (int32_t i = 0; i < rows * count; ++i) a[i] = (int8_t)(a[i] & 1);
  memcpy(out, a, sizeof out);
  tc_layer_norm_s8(out, out, channels, rows, count, log_count, (int32_t)(constant >> 32),
                   (int32_t)(constant & 0xFFFFFFFFU), shift, -120, 120);
  for (int32_t row = 0; row < rows; ++row) {
    double sum = 0;
    double squares = 0;
    for (int32_t i = 0; i < count; ++i) sum += a[row * count + i];
    for (int32_t i = 0; i < count; ++i) {
      const double d = a[row * count + i] - sum / count;
      squares += d * d;
    }
    for (int32_t i = 0; i < count; ++i) {
      const double d = a[row * count + i] - sum / count;
      const double variance = squares / count + epsilon;
      double real = (variance > 0 ? d / root(variance) * scales[i] : 0) + biases[i] + zero_point;
      real = real < -120 ? -120 : (real > 120 ? 120 : real);
      check(out[row * count + i] - real <= 0.52 && real - out[row * count + i] <= 0.52, "layer norm");
    }
  }
}

static void test_root(void) {
  for (int32_t i = 0; i < 300; ++i) {
    const uint32_t m = next_random() | (1U << 30);
    const uint64_t r = tc_root_s8(m);
    check(r * r <= (uint64_t)m << 32 && (r == 0xFFFFFFFFU || (r + 1) * (r + 1) > (uint64_t)m << 32), "root");
  }
}

int main(void) {
  for (int32_t i = 0; i < 100; ++i) test_matmul();
  test_root();
  for (int32_t count = 1; count < 40; ++count) test_layer_norm(count);
  for (int32_t i = 0; i < 10; ++i) test_layer_norm(pick(40, 1024));
  return finish();
}
