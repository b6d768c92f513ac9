/* Packed weights: unpacked they are the integers that were packed, and products with them are those of the plain
 * kernels, whatever the blocks of rows. */
#include "../../../src/rt/packed_s8.h"
#include "../harness.h"

enum { kMostIn = 2048, kMostOut = 1024, kMostWeights = 6000, kMostChannels = 40, kGuard = 16 };

static int8_t image[kMostIn];
static int8_t plain[kMostWeights] __attribute__((aligned(16)));
static int32_t packed[kMostWeights];
static uint8_t factors[kMostWeights];
static int32_t channels[2 * kMostChannels];
static int32_t scratch[6000] __attribute__((aligned(16)));
static int8_t got[kMostOut + kGuard], expected[kMostOut];

static int32_t below(int32_t limit) {
  return (int32_t)(next_random() % (uint32_t)limit);
}

static int32_t up(int32_t value, int32_t unit) {
  return (value + unit - 1) / unit * unit;
}

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
  for (int32_t o = 0; o < f->out_c; o++) {
    channels[2 * o] = below(40001) - 20000;
    channels[2 * o + 1] = (1 << 28) + below(1 << 30);
  }
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
  prepare(f.in_c, f.out_c);
  const int32_t widened = below(2) == 0 ? 0 : 2 * up(f.in_c, 16);
  tc_dense_s8(image, expected, 0, plain, channels, f.in_c, f.out_c, 100, 9, -90, 127);
  tc_dense_packed_s8(image, got, scratch, packed, factors, channels, f.in_c, f.out_c, 100, 9, -90, 127, f.bits, f.block,
                     f.rows, widened);
  compare(f.out_c, "dense");
}

static void test_pointwise(void) {
  struct format f = {0, 0, 0, 1, 1 + below(100), 1 + below(30)};
  const int32_t pixels = 1 + below(15);
  make_weights(&f);
  prepare(pixels * f.in_c, pixels * f.out_c);
  tc_pointwise_s8(image, expected, scratch, plain, channels, pixels, f.in_c, f.out_c, 100, 9, -128, 127);
  tc_pointwise_packed_s8(image, got, scratch, packed, factors, channels, pixels, f.in_c, f.out_c, 100, 9, -128, 127,
                         f.bits, f.block, f.rows);
  compare(pixels * f.out_c, "pointwise");
}

static void test_conv(void) {
  const int32_t kernel_h = 1 + below(3), kernel_w = 1 + below(3), stride = 1 + below(2), pad = below(2);
  const int32_t in_h = kernel_h + below(4), in_w = kernel_w + below(4);
  const int32_t out_h = (in_h + pad - kernel_h) / stride + 1, out_w = (in_w + pad - kernel_w) / stride + 1;
  struct format f = {0, 0, 0, kernel_h * kernel_w, 1 + below(40), 1 + below(12)};
  make_weights(&f);
  prepare(in_h * in_w * f.in_c, out_h * out_w * f.out_c);
  tc_conv_s8(image, expected, scratch, plain, channels, in_h, in_w, f.in_c, out_h, out_w, f.out_c, kernel_h, kernel_w,
             stride, stride, pad, pad, 1, 1, 1, 5, 100, 9, -128, 127);
  tc_conv_packed_s8(image, got, scratch, packed, factors, channels, in_h, in_w, f.in_c, out_h, out_w, f.out_c, kernel_h,
                    kernel_w, stride, stride, pad, pad, 1, 1, 5, 100, 9, -128, 127, f.bits, f.block, f.rows);
  compare(out_h * out_w * f.out_c, "convolution");
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
