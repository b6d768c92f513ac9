/* Coded weights: whatever a stream holds, decoding it in blocks of rows gives the levels of decoding it at once, and
 * products with them are those of the plain kernels. Any bytes are some levels, so streams are random. */
#include "../../../src/rt/arithmetic_s8.h"
#include "../../../src/rt/codebook_s8.h"
#include "../../../src/rt/coded_s8.h"
#include "../../../src/rt/huffman_s8.h"
#include "../../../src/rt/sparse_s8.h"
#include "../harness.h"

enum { kMostIn = 2048, kMostOut = 1024, kMostWeights = 6000, kMostChannels = 40, kGuard = 16, kStream = 1500 };

static int8_t image[kMostIn];
static int8_t plain[kMostWeights] __attribute__((aligned(16)));
static int8_t levels[800] __attribute__((aligned(4)));
static uint8_t stream[kStream];
static union {
  tc_arithmetic arithmetic;
  tc_codebook codebook;
  tc_huffman huffman;
  tc_sparse sparse;
} decoder;
static int32_t channels[2 * kMostChannels];
static int32_t scratch[6000] __attribute__((aligned(16)));
static int8_t got[kMostOut + kGuard], expected[kMostOut];
static int32_t coder, length, left;

static int32_t below(int32_t limit) {
  return (int32_t)(next_random() % (uint32_t)limit);
}

static int32_t up(int32_t value, int32_t unit) {
  return (value + unit - 1) / unit * unit;
}

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
  for (int32_t o = 0; o < rows; o++) {
    channels[2 * o] = below(40001) - 20000;
    channels[2 * o + 1] = (1 << 28) + below(1 << 30);
  }
  (void)open();
}

static void compare(int32_t count, const char* what) {
  int same = 1;
  for (int32_t i = 0; i < count; i++) same &= got[i] == expected[i];
  for (int32_t i = 0; i < kGuard; i++) same &= got[count + i] == 77;
  check(same, what);
}

static void prepare(int32_t inputs, int32_t outputs) {
  for (int32_t i = 0; i < inputs; i++) image[i] = random_s8();
  for (int32_t i = 0; i < kGuard; i++) got[outputs + i] = 77;
}

static void test_dense(void) {
  const int32_t in_c = 1 + below(150), out_c = 1 + below(30), rows = 1 + below(8);
  const int32_t widened = below(2) == 0 ? 0 : 2 * up(in_c, 16);
  make_weights(in_c, out_c);
  prepare(in_c, out_c);
  tc_dense_s8(image, expected, 0, plain, channels, in_c, out_c, 100, 9, -90, 127);
  tc_dense_coded_s8(image, got, scratch, &decoder, channels, in_c, out_c, 100, 9, -90, 127, left, rows, widened);
  compare(out_c, "dense");
}

static void test_pointwise(void) {
  const int32_t in_c = 1 + below(100), out_c = 1 + below(30), pixels = 1 + below(15), rows = 1 + below(8);
  make_weights(in_c, out_c);
  prepare(pixels * in_c, pixels * out_c);
  tc_pointwise_s8(image, expected, scratch, plain, channels, pixels, in_c, out_c, 100, 9, -128, 127);
  tc_pointwise_coded_s8(image, got, scratch, &decoder, channels, pixels, in_c, out_c, 100, 9, -128, 127, left, rows);
  compare(pixels * out_c, "pointwise");
}

static void test_conv(void) {
  const int32_t kernel_h = 1 + below(3), kernel_w = 1 + below(3), stride = 1 + below(2), pad = below(2);
  const int32_t in_h = kernel_h + below(4), in_w = kernel_w + below(4), in_c = 1 + below(40), out_c = 1 + below(12);
  const int32_t out_h = (in_h + pad - kernel_h) / stride + 1, out_w = (in_w + pad - kernel_w) / stride + 1;
  make_weights(kernel_h * kernel_w * in_c, out_c);
  prepare(in_h * in_w * in_c, out_h * out_w * out_c);
  tc_conv_s8(image, expected, scratch, plain, channels, in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w,
             stride, stride, pad, pad, 1, 1, 1, 5, 100, 9, -128, 127);
  tc_conv_coded_s8(image, got, scratch, &decoder, channels, in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w,
                   stride, stride, pad, pad, 1, 1, 5, 100, 9, -128, 127, left, 1 + below(5));
  compare(out_h * out_w * out_c, "convolution");
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
