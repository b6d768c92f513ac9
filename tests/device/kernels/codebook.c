/* Weights as indices into a codebook: products from the stream are those of plain kernels with its decoded levels, be
 * the stream whole or cut. */
#include "codebook_product_s8.h"
#include "coded_s8.h"
#include "stored_weights.h"

enum { kStream = 6000 };

static int8_t levels[800] __attribute__((aligned(4)));
static uint8_t stream[kStream];
static tc_codebook decoder;
static int32_t length, left;

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
  const int32_t in_c = 1 + below(150), out_c = 1 + below(30);
  make_stream(in_c);
  check(tc_codebook_open(stream, &decoder, length) == TC_DECODED, "a stream's beginning");
  tc_decode_s8(&decoder, levels, plain, 0, out_c, in_c, left);
  make_channels(out_c);
  expect_dense(in_c, out_c);
  tc_dense_codebook_s8(image, got, stream, channels, length, in_c, out_c, 100, 9, -90, 127, left);
  compare(out_c, "dense");
}

int main(void) {
  for (int32_t i = 0; i < 150; i++) test_dense();
  return finish();
}
