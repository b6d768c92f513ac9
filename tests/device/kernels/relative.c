/* Sparse weights as gaps and values: products from the stream are those of plain kernels with its decoded levels, be
 * the stream whole or cut. */
#include "coded_s8.h"
#include "relative_product_s8.h"
#include "stored_weights.h"

enum { kStream = 3000 };

static int8_t levels[800] __attribute__((aligned(4)));
static uint8_t stream[kStream];
static tc_relative decoder;
static int32_t length, left;

/* Entries of any form; levels have room for the shift. */
static void make_stream(void) {
  const int32_t bits = 1 + below(8);
  left = below(3);
  for (int32_t i = 0; i < kStream; i++) stream[i] = (uint8_t)next_random();
  stream[0] = (uint8_t)bits;
  length = below(4) == 0 ? 200 + below(100) : kStream - below(10);
  if (bits < 8) {
    for (int32_t i = 1; i <= 1 << bits; i++) stream[i] = (uint8_t)(below(63) - 31);
  } else {
    for (int32_t i = 1; i + 1 < kStream; i += 2) {
      stream[i] = (uint8_t)below(below(4) == 0 ? 256 : 8);
      stream[i + 1] = (uint8_t)(below(63) - 31);
    }
  }
}

static void make_weights(int32_t columns, int32_t rows) {
  make_stream();
  check(tc_relative_open(stream, &decoder, length) == TC_DECODED, "a stream's beginning");
  tc_decode_s8(&decoder, levels, plain, 0, rows, columns, left);
  make_channels(rows);
}

static void test_dense(void) {
  const int32_t in_c = 1 + below(150), out_c = 1 + below(30);
  make_weights(in_c, out_c);
  expect_dense(in_c, out_c);
  tc_dense_relative_s8(image, got, stream, channels, length, in_c, out_c, 100, 9, -90, 127, left);
  compare(out_c, "dense");
}

/* In place too, where the outputs are no more than the inputs. */
static void test_pointwise(void) {
  const int32_t in_c = 1 + below(100), out_c = 1 + below(30), pixels = 1 + below(15);
  make_weights(in_c, out_c);
  expect_pointwise(pixels, in_c, out_c);
  tc_pointwise_relative_s8(image, got, scratch, stream, channels, length, pixels, in_c, out_c, 100, 9, -128, 127, left);
  compare(pixels * out_c, "pointwise");
  if (out_c > in_c) return;
  tc_pointwise_relative_s8(image, image, scratch, stream, channels, length, pixels, in_c, out_c, 100, 9, -128, 127,
                           left);
  check(memcmp(image, expected, (size_t)(pixels * out_c)) == 0, "pointwise in place");
}

static void test_conv(void) {
  const struct conv c = random_conv();
  make_weights(c.kernel_h * c.kernel_w * c.in_c, c.out_c);
  expect_conv(&c);
  tc_conv_relative_s8(image, got, scratch, stream, channels, length, c.in_h, c.in_w, c.in_c, c.out_h, c.out_w, c.out_c,
                      c.kernel_h, c.kernel_w, c.stride, c.stride, c.pad, c.pad, 1, 1, 5, 100, 9, -128, 127, left);
  compare(c.out_h * c.out_w * c.out_c, "convolution");
}

/* 0 0 5 0 in the first row, -1 0 0 0 in the second: gaps of at most 3, so the last two zeros are in no entry of their
 * own but in that of the end. */
static void test_known(void) {
  int8_t row[4];
  static const int8_t first[] = {0, 0, 5, 0}, second[] = {-1, 0, 0, 0};
  static const uint8_t bytes[] = {1, 5, 0xFF, 2 << 1, 1 << 1 | 1, 3 << 1};
  static const uint8_t pairs[] = {8, 2, 5, 1, 0xFF, 3, 0};
  static const uint8_t* const streams[] = {bytes, pairs};
  static const int32_t sizes[] = {(int32_t)sizeof bytes, (int32_t)sizeof pairs};
  for (int32_t i = 0; i < 2; i++) {
    check(tc_relative_open(streams[i], &decoder, sizes[i]) == TC_DECODED, "open");
    check(tc_relative_row(&decoder, 0, row, 4) == TC_DECODED && memcmp(row, first, 4) == 0, "first row");
    check(tc_relative_row(&decoder, 0, row, 4) == TC_DECODED && memcmp(row, second, 4) == 0, "second row");
    check(tc_relative_close(&decoder) == TC_DECODED, "end");
    check(tc_relative_open(streams[i], &decoder, sizes[i] - 1) == TC_DECODED, "open a cut stream");
    check(tc_relative_row(&decoder, 0, row, 4) == TC_DECODED && memcmp(row, first, 4) == 0, "first row of it");
    check(tc_relative_row(&decoder, 0, row, 4) == TC_DECODED && tc_relative_close(&decoder) == TC_CORRUPT, "its end");
    check(tc_relative_open(streams[i], &decoder, 1) == TC_CORRUPT, "a stream without entries");
  }
}

int main(void) {
  test_known();
  for (int32_t i = 0; i < 60; i++) {
    test_dense();
    test_pointwise();
    test_conv();
  }
  return finish();
}
