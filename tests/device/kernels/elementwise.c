/* Sums, products, tables, softmax, extremes and their indices against their definitions; in place where that is
 * promised.
 */
#include "add_s8.h"
#include "arg_max_s8.h"
#include "extreme_s8.h"
#include "harness.h"
#include "mul_s8.h"
#include "prelu_s8.h"
#include "softmax_s8.h"
#include "table_s8.h"

enum { kLargest = 1200 };

static int8_t a[kLargest];
static int8_t b[kLargest];
static int8_t out[kLargest];
static int8_t expected[kLargest];

static void fill(int8_t* to) {
  for (int32_t i = 0; i < kLargest; ++i) to[i] = random_s8();
}

static void compare(int32_t size, const char* what) {
  check(memcmp(out, expected, (size_t)size) == 0 && out[size] == 0x55, what);
}

static int8_t clamp(int64_t q, int32_t low, int32_t high) {
  return (int8_t)(q < low ? low : (q > high ? high : q));
}

/* out, a and b start `at` bytes into their arrays, so that words fall on every alignment. */
static void test_add(void) {
  const int32_t outer = pick(1, 9);
  const int32_t count = pick(1, 40);
  const int32_t size = outer * count;
  const int32_t shift = pick(1, 20);
  const int32_t ma = pick(-(1 << shift) - 1, (1 << shift) + 1);
  const int32_t mb = pick(-(1 << shift) - 1, (1 << shift) + 1);
  const int32_t rounding = (1 << (shift - 1)) + pick(-60, 60) * (1 << shift) - ma * pick(-128, 127);
  const int32_t low = pick(-128, 0);
  const int32_t high = pick(0, 1) ? 127 : pick(0, 127);
  const int32_t skip = pick(0, 3);
  for (int repeated = 0; repeated < 2; ++repeated) {
    fill(a);
    fill(b);
    for (int32_t i = 0; i < size; ++i)
      expected[i] =
          clamp(((int64_t)a[i + skip] * ma + (int64_t)b[repeated ? i % count : i] * mb + rounding) >> shift, low, high);
    memset(out, 0x55, sizeof out);
    if (repeated)
      tc_add_channels_s8(a + skip, b, out, outer, count, ma, mb, rounding, shift, low, high);
    else
      tc_add_s8(a + skip, b, out, size, ma, mb, rounding, shift, low, high);
    compare(size, "add");
    memset(out, 0x55, sizeof out);
    memcpy(out, a + skip, (size_t)size);
    if (repeated)
      tc_add_channels_s8(out, b, out, outer, count, ma, mb, rounding, shift, low, high);
    else
      tc_add_s8(out, b, out, size, ma, mb, rounding, shift, low, high);
    compare(size, "add over a");
    if (repeated) continue;
    memset(out, 0x55, sizeof out);
    memcpy(out, b, (size_t)size);
    tc_add_s8(a + skip, out, out, size, ma, mb, rounding, shift, low, high);
    compare(size, "add over b");
  }
}

static void test_mul(void) {
  const int32_t outer = pick(1, 9);
  const int32_t count = pick(1, 40);
  const int32_t size = outer * count;
  const int32_t shift = pick(1, 8);
  const int32_t left = pick(0, 14);
  const int32_t za = pick(-128, 127);
  const int32_t zb = pick(-128, 127);
  const int32_t multiplier = (int32_t)((uint32_t)pick(1 << 22, 1 << 23) << shift >> left);
  const int32_t rounding = (1 << (shift - 1)) + pick(-128, 127) * (1 << shift);
  const int32_t low = pick(-128, 0);
  const int32_t high = pick(0, 127);
  for (int repeated = 0; repeated < 2; ++repeated) {
    fill(a);
    fill(b);
    for (int32_t i = 0; i < size; ++i) {
      const int64_t acc = (int64_t)(a[i] - za) * (b[repeated ? i % count : i] - zb) * (1 << left);
      expected[i] = clamp(((acc * multiplier >> 32) + rounding) >> shift, low, high);
    }
    memset(out, 0x55, sizeof out);
    if (repeated)
      tc_mul_channels_s8(a, b, out, outer, count, za, zb, multiplier, rounding, shift, left, low, high);
    else
      tc_mul_s8(a, b, out, size, za, zb, multiplier, rounding, shift, left, low, high);
    compare(size, "mul");
    memset(out, 0x55, sizeof out);
    memcpy(out, a, (size_t)size);
    if (repeated)
      tc_mul_channels_s8(out, b, out, outer, count, za, zb, multiplier, rounding, shift, left, low, high);
    else
      tc_mul_s8(out, b, out, size, za, zb, multiplier, rounding, shift, left, low, high);
    compare(size, "mul over a");
  }
}

static void test_table(void) {
  int8_t table[256];
  const int32_t size = pick(1, 300);
  for (int32_t i = 0; i < 256; ++i) table[i] = random_s8();
  fill(a);
  for (int32_t i = 0; i < size; ++i) expected[i] = table[a[i] + 128];
  memset(out, 0x55, sizeof out);
  tc_table_s8(a, out, table, size);
  compare(size, "table");
  memcpy(out, a, (size_t)size);
  tc_table_s8(out, out, table, size);
  compare(size, "table in place");
}

static void test_softmax(void) {
  static int32_t exponents[256];
  const int32_t rows = pick(1, 4);
  const int32_t count = pick(1, 250);
  int64_t value = 1 << 23;
  const int32_t decay = pick(100, 1023);
  for (int32_t i = 0; i < 256; ++i) {
    exponents[i] = (int32_t)value;
    value = value * decay / 1024;
  }
  fill(a);
  for (int32_t row = 0; row < rows; ++row) {
    const int8_t* from = a + row * count;
    int32_t max = -128;
    int64_t sum = 0;
    for (int32_t i = 0; i < count; ++i) max = from[i] > max ? from[i] : max;
    for (int32_t i = 0; i < count; ++i) sum += exponents[max - from[i]];
    for (int32_t i = 0; i < count; ++i)
      expected[row * count + i] = clamp(((int64_t)exponents[max - from[i]] * 256 + sum / 2) / sum - 128, -128, 127);
  }
  int32_t last = 0;
  while (last < 255 && exponents[last] != 0) ++last;
  memset(out, 0x55, sizeof out);
  tc_softmax_s8(a, out, exponents, last, rows, count);
  compare(rows * count, "softmax");
  memcpy(out, a, (size_t)(rows * count));
  tc_softmax_s8(out, out, exponents, last, rows, count);
  compare(rows * count, "softmax in place");
}

static void test_arg_max(void) {
  int32_t best[4];
  const int32_t count = pick(1, 60);
  for (int32_t i = 0; i < 4 * count; ++i) a[i] = (int8_t)pick(-3, 3);
  for (int32_t last = 0; last < 2; ++last) {
    tc_arg_max_s8(a, best, 4, count, last);
    for (int32_t row = 0; row < 4; ++row) {
      int32_t index = 0;
      for (int32_t i = 1; i < count; ++i)
        if (a[row * count + i] > a[row * count + index] || (last && a[row * count + i] == a[row * count + index]))
          index = i;
      check(best[row] == index, "arg max");
    }
    tc_arg_min_s8(a, best, 4, count, last);
    for (int32_t row = 0; row < 4; ++row) {
      int32_t index = 0;
      for (int32_t i = 1; i < count; ++i)
        if (a[row * count + i] < a[row * count + index] || (last && a[row * count + i] == a[row * count + index]))
          index = i;
      check(best[row] == index, "arg min");
    }
  }
}

static void test_extremes(void) {
  const int32_t cells = pick(1, 12);
  const int32_t count = pick(1, 40);
  const int32_t size = cells * count;
  const int32_t low = pick(-128, 0);
  const int32_t high = pick(0, 127);
  fill(a);
  fill(b);
  memset(out, 0x55, sizeof out);
  for (int32_t i = 0; i < size; ++i) expected[i] = clamp(a[i] > b[i] ? a[i] : b[i], low, high);
  tc_max_s8(a, b, out, size, low, high);
  compare(size, "max");
  for (int32_t i = 0; i < size; ++i) expected[i] = clamp(a[i] < b[i] ? a[i] : b[i], low, high);
  memcpy(out, a, (size_t)size);
  tc_min_s8(out, b, out, size, low, high);
  compare(size, "min in place");
  memset(out, 0x55, sizeof out);
  for (int32_t c = 0; c < count; ++c) {
    int32_t min = a[c];
    for (int32_t i = 1; i < cells; ++i) min = a[i * count + c] < min ? a[i * count + c] : min;
    expected[c] = clamp(min, low, high);
  }
  tc_reduce_min_s8(a, out, cells, count, low, high);
  compare(count, "smallest of each column");
  memcpy(out, a, sizeof out);
  tc_reduce_min_s8(out, out, cells, count, low, high);
  check(memcmp(out, expected, (size_t)count) == 0, "smallest of each column in place");
}

static void test_prelu(void) {
  int32_t slopes[40];
  const int32_t outer = pick(1, 9);
  const int32_t count = pick(1, 40);
  const int32_t zero = pick(-128, 127);
  const int32_t shift = pick(14, 22);
  const int32_t multiplier = pick(1 << 29, 0x7FFFFFFF);
  const int32_t rounding = (1 << (shift - 1)) + pick(-128, 127) * (1 << shift);
  fill(a);
  for (int32_t c = 0; c < count; ++c) slopes[c] = pick(-0x3FFFFFFF, 0x3FFFFFFF);
  for (int32_t i = 0; i < outer * count; ++i) {
    const int64_t x = (int64_t)(a[i] - zero) * (1 << 20);
    expected[i] = clamp((((x * (x < 0 ? slopes[i % count] : multiplier)) >> 32) + rounding) >> shift, -90, 120);
  }
  memset(out, 0x55, sizeof out);
  memcpy(out, a, (size_t)(outer * count));
  tc_prelu_s8(out, out, slopes, outer, count, zero, multiplier, rounding, shift, -90, 120);
  compare(outer * count, "slopes in place");
}

int main(void) {
  for (int i = 0; i < 40; ++i) {
    test_add();
    test_mul();
    test_table();
    test_softmax();
    test_arg_max();
    test_extremes();
    test_prelu();
  }
  return finish();
}
