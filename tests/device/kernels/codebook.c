/* Sparse weights as gaps and values: products from the stream are those of plain kernels with its decoded levels, be
 * the stream whole or cut. */
#include "../../../src/rt/codebook_product_s8.h"
#include "../../../src/rt/coded_s8.h"
#include "../harness.h"

enum { kMostIn = 150, kMostOut = 30, kMostWeights = 5000, kGuard = 16, kStream = 6000 };

static int8_t image[kMostIn];
static int8_t plain[kMostWeights] __attribute__((aligned(16)));
static int8_t levels[800] __attribute__((aligned(4)));
static uint8_t stream[kStream];
static tc_codebook decoder;
static int32_t channels[2 * kMostOut];
static int8_t got[kMostOut + kGuard], expected[kMostOut];
static int32_t length, left;

static int32_t below(int32_t limit) {
  return (int32_t)(next_random() % (uint32_t)limit);
}

/* Codebooks of any form that rows of so many levels can have; every byte is a level that has room for the shift. */
static void make_stream(int32_t columns) {
  int32_t entry = 1 + below(columns < 9 ? columns : 9);
  while (columns % entry != 0) entry--;
  left = below(3);
  length = below(4) == 0 ? 200 + below(400) : kStream - below(10);
  for (int32_t i = 0; i < kStream; i++) stream[i] = (uint8_t)(below(63) - 31);
  stream[0] = (uint8_t)(below(9) + 16 * below(2));
  stream[1] = (uint8_t)entry;
  memset(stream + 2, 0, 8);
  stream[2] = (uint8_t)(columns / entry);
  stream[6] = (uint8_t)(1 + below(20));
}

static void test_dense(void) {
  const int32_t in_c = 1 + below(kMostIn), out_c = 1 + below(kMostOut);
  make_stream(in_c);
  check(tc_codebook_open(stream, &decoder, length) == TC_DECODED, "a stream's beginning");
  tc_decode_s8(&decoder, levels, plain, 0, out_c, in_c, left);
  for (int32_t o = 0; o < out_c; o++) {
    channels[2 * o] = below(40001) - 20000;
    channels[2 * o + 1] = (1 << 28) + below(1 << 30);
  }
  for (int32_t i = 0; i < in_c; i++) image[i] = random_s8();
  for (int32_t i = 0; i < kGuard; i++) got[out_c + i] = 77;
  tc_dense_s8(image, expected, 0, plain, channels, in_c, out_c, 100, 9, -90, 127);
  tc_dense_codebook_s8(image, got, stream, channels, length, in_c, out_c, 100, 9, -90, 127, left);
  int same = 1;
  for (int32_t i = 0; i < out_c; i++) same &= got[i] == expected[i];
  for (int32_t i = 0; i < kGuard; i++) same &= got[out_c + i] == 77;
  check(same, "dense");
}

int main(void) {
  for (int32_t i = 0; i < 150; i++) test_dense();
  return finish();
}
