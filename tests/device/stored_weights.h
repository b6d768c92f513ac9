/* Products with weights that are stored in another form than plain levels: room for the levels that they stand for, and
 * for what a kernel gives beside what the plain kernel gives with those levels.
 */
#ifndef TINYC_TESTS_STORED_WEIGHTS_H
#define TINYC_TESTS_STORED_WEIGHTS_H

#include "conv_s8.h"
#include "dense_s8.h"
#include "harness.h"
#include "pointwise_s8.h"

enum { kMostIn = 2048, kMostOut = 1024, kMostWeights = 6000, kMostChannels = 40, kGuard = 16 };

static int8_t image[kMostIn];
static int8_t plain[kMostWeights] __attribute__((aligned(16)));
static int32_t channels[2 * kMostChannels];
static int32_t scratch[6000] __attribute__((aligned(16)));
static int8_t got[kMostOut + kGuard], expected[kMostOut];

static inline int32_t up(int32_t value, int32_t unit) {
  return (value + unit - 1) / unit * unit;
}

static inline void make_channels(int32_t rows) {
  for (int32_t o = 0; o < rows; o++) {
    channels[2 * o] = below(40001) - 20000;
    channels[2 * o + 1] = (1 << 28) + below(1 << 30);
  }
}

/* An image at random, and a guard behind the outputs. */
static inline void prepare(int32_t inputs, int32_t outputs) {
  for (int32_t i = 0; i < inputs; i++) image[i] = random_s8();
  for (int32_t i = 0; i < kGuard; i++) got[outputs + i] = 77;
}

static inline void compare(int32_t count, const char* what) {
  int same = 1;
  for (int32_t i = 0; i < count; i++) same &= got[i] == expected[i];
  for (int32_t i = 0; i < kGuard; i++) same &= got[count + i] == 77;
  check(same, what);
}

/* What the plain kernels give; offsets and shifts are those that the others must be given, too. */
static inline void expect_dense(int32_t in_c, int32_t out_c) {
  prepare(in_c, out_c);
  tc_dense_s8(image, expected, 0, plain, channels, in_c, out_c, 100, 9, -90, 127);
}

static inline void expect_pointwise(int32_t pixels, int32_t in_c, int32_t out_c) {
  prepare(pixels * in_c, pixels * out_c);
  tc_pointwise_s8(image, expected, scratch, plain, channels, pixels, in_c, out_c, 100, 9, -128, 127);
}

struct conv {
  int32_t kernel_h, kernel_w, stride, pad, in_h, in_w, in_c, out_h, out_w, out_c;
};

static inline struct conv random_conv(void) {
  struct conv c;
  c.kernel_h = 1 + below(3);
  c.kernel_w = 1 + below(3);
  c.stride = 1 + below(2);
  c.pad = below(2);
  c.in_h = c.kernel_h + below(4);
  c.in_w = c.kernel_w + below(4);
  c.in_c = 1 + below(40);
  c.out_c = 1 + below(12);
  c.out_h = (c.in_h + c.pad - c.kernel_h) / c.stride + 1;
  c.out_w = (c.in_w + c.pad - c.kernel_w) / c.stride + 1;
  return c;
}

static inline void expect_conv(const struct conv* c) {
  prepare(c->in_h * c->in_w * c->in_c, c->out_h * c->out_w * c->out_c);
  tc_conv_s8(image, expected, scratch, plain, channels, c->in_h, c->in_w, c->in_c, c->out_h, c->out_w, c->out_c,
             c->kernel_h, c->kernel_w, c->stride, c->stride, c->pad, c->pad, 1, 1, 1, 5, 100, 9, -128, 127);
}

#endif
