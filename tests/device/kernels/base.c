/* base.h: the requantization and its parts against 64-bit arithmetic. */
#include "base.h"

#include "harness.h"

static int32_t random_s32(void) {
  const uint32_t bits = next_random();
  int32_t value;
  memcpy(&value, &bits, 4);
  return value >> (next_random() & 31U);
}

/* The quotient rounded down, without a shift of a negative number. */
static int64_t floor_shift(int64_t value, int32_t shift) {
  const int64_t divisor = (int64_t)1 << shift;
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

static void test_mul_high(void) {
  static const int32_t edges[] = {0, 1, -1, 0xFFFF, 0x10000, -0x10000, 0x7FFF8000, INT32_MAX, INT32_MIN};
  const int32_t count = (int32_t)(sizeof edges / sizeof *edges);
  for (int32_t i = 0; i < count; i++) {
    for (int32_t k = 0; k < count; k++) {
      const int64_t expected = floor_shift((int64_t)edges[i] * edges[k], 32);
      check(tc_mul_high(edges[i], edges[k]) == expected, "tc_mul_high at an edge");
    }
  }
  for (int32_t i = 0; i < 10000; i++) {
    const int32_t a = random_s32();
    const int32_t b = random_s32();
    check(tc_mul_high(a, b) == floor_shift((int64_t)a * b, 32), "tc_mul_high");
  }
}

/* One rounding, half up, of the exact product: the two shifts of the kernels lose nothing. */
static void test_requantize(void) {
  for (int32_t i = 0; i < 10000; i++) {
    const int32_t shift = 1 + (int32_t)(next_random() % 22U);
    const int32_t zero_point = random_s8();
    const int32_t acc = random_s32() >> 2;
    const int32_t multiplier = (int32_t)(next_random() >> 2);
    const int32_t rounding = (1 << (shift - 1)) + zero_point * (1 << shift);
    const int64_t exact = (int64_t)acc * multiplier + ((int64_t)1 << (31 + shift));
    check(tc_requantize(acc, multiplier, rounding, shift) == zero_point + floor_shift(exact, 32 + shift),
          "tc_requantize");
  }
}

static void test_clamp(void) {
  check(tc_clamp(-200, -128, 127) == -128, "tc_clamp below");
  check(tc_clamp(200, -128, 127) == 127, "tc_clamp above");
  check(tc_clamp(-5, -128, 127) == -5, "tc_clamp between");
}

static void test_words(void) {
  uint8_t bytes[12];
  for (int32_t i = 0; i < 12; i++) bytes[i] = (uint8_t)i;
  for (int32_t at = 0; at < 8; at++) {
    const uint32_t word = tc_load4(bytes + at);
    check((word & 255U) == (uint32_t)at && word >> 24 == (uint32_t)at + 3U, "tc_load4 at any address");
  }
  tc_store4(bytes + 5, 0x04030201U);
  check(bytes[4] == 4 && bytes[5] == 1 && bytes[8] == 4 && bytes[9] == 9, "tc_store4 at any address");
}

int main(void) {
  test_mul_high();
  test_requantize();
  test_clamp();
  test_words();
  return finish();
}
