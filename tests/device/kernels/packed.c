/* Packed weights: unpacked they are the integers that were packed, and products with them are those of the plain
 * kernels, whatever the blocks of rows. */
#include "packed_s8.h"
#include "stored_weights.h"

static int32_t packed[kMostWeights];
static uint8_t factors[kMostWeights];

struct format {
  int32_t bits, block, rows, taps, in_c, out_c;
};

static int32_t random_code(const struct format* f) {
  return below(1 << f->bits) - (1 << (f->bits - 1));
}

/* Units of 16 bytes; what the kernels see is the integer at the upper end of its byte. */
static void pack_run(const struct format* f) {
  uint8_t* bytes = (uint8_t*)packed;
  const int32_t row = up(f->taps * f->in_c, 4);
  const int32_t unit = 128 / f->bits;
  for (int32_t i = 0; i < up(f->out_c * row, unit); i++) {
    const int32_t code = i % row < f->taps * f->in_c && i < f->out_c * row ? random_code(f) : 0;
    uint8_t* byte = bytes + i / unit * 16 + i % 16;
    if (i % unit < 16) *byte = 0;
    *byte = (uint8_t)(*byte | (code & ((1 << f->bits) - 1)) << (i % unit / 16 * f->bits));
    plain[i] = (int8_t)(code * (1 << (8 - f->bits)));
  }
}

/* Units of a word, each tap from its own; every block times a factor. */
static void pack_blocks(const struct format* f) {
  uint32_t* word = (uint32_t*)packed;
  const int32_t unit = 32 / f->bits;
  const int32_t half = 1 << (f->bits - 1);
  int8_t* row = plain;
  uint8_t* factor = factors;
  for (int32_t o = 0; o < f->out_c; o++, row += up(f->taps * f->in_c, 4)) {
    for (int32_t i = 0; i < 4; i++) row[f->taps * f->in_c + i] = 0;
    for (int32_t tap = 0; tap < f->taps; tap++) {
      for (int32_t at = 0; at < up(f->in_c, unit); at++) {
        const int32_t code = at < f->in_c ? random_code(f) : 0;
        if (at < f->in_c && at % f->block == 0) *factor++ = (uint8_t)(1 + below(127 / half));
        if (at % unit == 0) *word = 0;
        *word |= (uint32_t)(code + half) << (at % 4 * 8 + at % unit / 4 * f->bits);
        if (at % unit == unit - 1) word++;
        if (at < f->in_c) row[tap * f->in_c + at] = (int8_t)(code * factor[-1]);
      }
    }
  }
}

/* As many rows as fill units. */
static int32_t random_rows(const struct format* f) {
  const int32_t row = up(f->taps * f->in_c, 4);
  int32_t rows = 1;
  while (f->block == 0 && rows * row % (128 / f->bits) != 0) rows++;
  return rows * (1 + below(4));
}

static void make_weights(struct format* f) {
  f->bits = below(2) == 0 ? 4 : 2;
  f->block = below(2) == 0 ? 16 * (1 + below(3)) : 0;
  f->rows = random_rows(f);
  if (f->block != 0) pack_blocks(f);
  if (f->block == 0) pack_run(f);
  make_channels(f->out_c);
}

static void test_unpack(void) {
  struct format f = {0, 0, 0, 1 + below(4), 1 + below(60), 1 + below(20)};
  make_weights(&f);
  const int32_t count = f.out_c * up(f.taps * f.in_c, 4);
  int8_t* out = (int8_t*)scratch;
  for (int32_t i = 0; i < 16; i++) out[count + 64 + i] = 77;
  tc_unpack_rows(packed, factors, out, 0, f.out_c, f.taps, f.in_c, f.block, f.bits);
  int same = 1;
  for (int32_t i = 0; i < count; i++) same &= out[i] == plain[i];
  check(same, f.block == 0 ? "unpacked runs" : "unpacked blocks");
  for (int32_t i = 0; i < 16; i++) same &= out[count + 64 + i] == 77;
  check(same, "bytes behind the unpacked weights");
}

static void test_dense(void) {
  struct format f = {0, 0, 0, 1, 1 + below(150), 1 + below(30)};
  make_weights(&f);
  const int32_t widened = below(2) == 0 ? 0 : 2 * up(f.in_c, 16);
  expect_dense(f.in_c, f.out_c);
  tc_dense_packed_s8(image, got, scratch, packed, factors, channels, f.in_c, f.out_c, 100, 9, -90, 127, f.bits, f.block,
                     f.rows, widened);
  compare(f.out_c, "dense");
}

static void test_pointwise(void) {
  struct format f = {0, 0, 0, 1, 1 + below(100), 1 + below(30)};
  const int32_t pixels = 1 + below(15);
  make_weights(&f);
  expect_pointwise(pixels, f.in_c, f.out_c);
  tc_pointwise_packed_s8(image, got, scratch, packed, factors, channels, pixels, f.in_c, f.out_c, 100, 9, -128, 127,
                         f.bits, f.block, f.rows);
  compare(pixels * f.out_c, "pointwise");
}

static void test_conv(void) {
  const struct conv c = random_conv();
  struct format f = {0, 0, 0, c.kernel_h * c.kernel_w, c.in_c, c.out_c};
  make_weights(&f);
  expect_conv(&c);
  tc_conv_packed_s8(image, got, scratch, packed, factors, channels, c.in_h, c.in_w, c.in_c, c.out_h, c.out_w, c.out_c,
                    c.kernel_h, c.kernel_w, c.stride, c.stride, c.pad, c.pad, 1, 1, 5, 100, 9, -128, 127, f.bits,
                    f.block, f.rows);
  compare(c.out_h * c.out_w * c.out_c, "convolution");
}

int main(void) {
  for (int32_t round = 0; round < 150; round++) {
    test_unpack();
    test_dense();
    test_pointwise();
    test_conv();
  }
  return finish();
}
