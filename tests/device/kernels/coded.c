/* Coded weights: whatever a stream holds, decoding it in blocks of rows gives the levels of decoding it at once, and
 * products with them are those of the plain kernels. Any bytes are some levels, so streams are random. */
#include "arithmetic_s8.h"
#include "codebook_s8.h"
#include "coded_s8.h"
#include "huffman_s8.h"
#include "sparse_s8.h"
#include "stored_weights.h"

enum { kStream = 1500 };

static int8_t levels[800] __attribute__((aligned(4)));
static uint8_t stream[kStream];
static union {
  tc_arithmetic arithmetic;
  tc_codebook codebook;
  tc_huffman huffman;
  tc_sparse sparse;
} decoder;
static int32_t coder, length, left;

/* Gives what the decoder says of the stream's beginning. */
static int32_t open(void) {
  if (coder == 0) return tc_arithmetic_open(stream, &decoder, length);
  if (coder == 1) return tc_huffman_open(stream, &decoder, length);
  if (coder == 2) return tc_sparse_open(stream, &decoder, length);
  return tc_codebook_open(stream, &decoder, length);
}

/* Codebooks of any form that rows of so many levels can have. */
static void make_codebook(int32_t columns) {
  int32_t entry = 1 + below(columns < 9 ? columns : 9);
  while (columns % entry != 0) entry--;
  stream[0] = (uint8_t)(below(9) + 16 * below(2));
  stream[1] = (uint8_t)entry;
  memset(stream + 2, 0, 8);
  stream[2] = (uint8_t)(columns / entry);
  stream[3] = (uint8_t)(columns / entry >> 8);
  stream[6] = (uint8_t)(1 + below(20));
}

/* Streams whose beginning is right: an arrangement that there is, or a table. */
static void make_stream(int32_t columns) {
  static const uint8_t arithmetic[][3] = {{0, 0, 0}, {4, 0, 0}, {1, 1, 0}, {1, 3, 0}, {6, 4, 0}, {2, 8, 0}};
  static const uint8_t huffman[] = {0xF8, 15, 0x33, 0x33, 0x03, 0x44, 0x44, 0x44, 0x44};
  static const uint8_t sparse[] = {7, 0, 7, 0, 0xFC, 7, 0};
  coder = below(4);
  length = kStream - below(40);
  left = below(5);
  for (int32_t i = 0; i < kStream; i++) stream[i] = (uint8_t)next_random();
  if (coder == 0) memcpy(stream, arithmetic[below(6)], 3);
  if (coder == 1) memcpy(stream, huffman, sizeof huffman);
  if (coder == 2) memcpy(stream, sparse, sizeof sparse);
  if (coder == 3) make_codebook(columns);
}

static void make_weights(int32_t columns, int32_t rows) {
  make_stream(columns);
  check(open() == TC_DECODED, "a stream's beginning");
  for (int32_t i = 0; i < kGuard; i++) plain[rows * up(columns, 4) + i] = 77;
  tc_decode_s8(&decoder, levels, plain, 0, rows, columns, left);
  int same = 1;
  for (int32_t i = 0; i < kGuard; i++) same &= plain[rows * up(columns, 4) + i] == 77;
  for (int32_t i = columns; i < up(columns, 4); i++) same &= plain[i] == 0;
  check(same, "bytes behind decoded rows");
  make_channels(rows);
  (void)open();
}

static void test_dense(void) {
  const int32_t in_c = 1 + below(150), out_c = 1 + below(30), rows = 1 + below(8);
  const int32_t widened = below(2) == 0 ? 0 : 2 * up(in_c, 16);
  make_weights(in_c, out_c);
  expect_dense(in_c, out_c);
  tc_dense_coded_s8(image, got, scratch, &decoder, channels, in_c, out_c, 100, 9, -90, 127, left, rows, widened);
  compare(out_c, "dense");
}

static void test_pointwise(void) {
  const int32_t in_c = 1 + below(100), out_c = 1 + below(30), pixels = 1 + below(15), rows = 1 + below(8);
  make_weights(in_c, out_c);
  expect_pointwise(pixels, in_c, out_c);
  tc_pointwise_coded_s8(image, got, scratch, &decoder, channels, pixels, in_c, out_c, 100, 9, -128, 127, left, rows);
  compare(pixels * out_c, "pointwise");
}

static void test_conv(void) {
  const struct conv c = random_conv();
  make_weights(c.kernel_h * c.kernel_w * c.in_c, c.out_c);
  expect_conv(&c);
  tc_conv_coded_s8(image, got, scratch, &decoder, channels, c.in_h, c.in_w, c.in_c, c.out_h, c.out_w, c.out_c,
                   c.kernel_h, c.kernel_w, c.stride, c.stride, c.pad, c.pad, 1, 1, 5, 100, 9, -128, 127, left,
                   1 + below(5));
  compare(c.out_h * c.out_w * c.out_c, "convolution");
}

/* The levels of a stream that the host's encoder wrote: 1 0 -1 5 in the first row, 0 0 127 -128 in the second. */
static void test_known(void) {
  int8_t row[4];
  static const int8_t first[] = {1, 0, -1, 5};
  static const uint8_t huffman[] = {0x80, 0xFF, 0, 0x81, 0x80, 0x7F, 0x85, 0x80, 0x80, 0xFF, 0};
  check(tc_huffman_open(huffman, &decoder, (int32_t)sizeof huffman) == TC_DECODED, "open");
  check(tc_huffman_row(&decoder, 0, row, 4) == TC_DECODED && memcmp(row, first, 4) == 0, "first row");
  check(tc_huffman_row(&decoder, row, row, 4) == TC_DECODED, "second row");
  check(row[2] == 127 && row[3] == -128, "extreme levels");
  check(tc_huffman_close(&decoder.huffman) == TC_DECODED, "end");
  check(tc_huffman_row(&decoder, row, row, 4) == TC_CORRUPT, "a row that is not there");
}

/* 3 bits, entries of two levels three apart: 1 -1 7, 2 -2 8 from the indices 2 0 1. */
static void test_known_codebook(void) {
  int8_t row[6];
  static const int8_t levels_of_row[] = {7, 1, -1, 8, 2, -2};
  static const uint8_t known[] = {19, 2, 3, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 0xFF, 0xFE, 7, 8, 0x42, 0};
  check(tc_codebook_open(known, &decoder, (int32_t)sizeof known) == TC_DECODED, "open");
  check(tc_codebook_row(&decoder, 0, row, 6) == TC_DECODED && memcmp(row, levels_of_row, 6) == 0, "row of entries");
  check(tc_codebook_close(&decoder.codebook) == TC_DECODED, "end");
  check(tc_codebook_row(&decoder, 0, row, 6) == TC_CORRUPT && row[0] == 0, "a codebook that is not there");
  check(tc_codebook_open(known, &decoder, 9) == TC_CORRUPT, "a header that is not there");
}

int main(void) {
  test_known_codebook();
  test_known();
  for (int32_t i = 0; i < 30; i++) {
    test_dense();
    test_pointwise();
    test_conv();
  }
  return finish();
}
