/* Product kernels against sums written out: odd shapes at random, and outputs that lie over their inputs as promised.
 */
#include "conv_s8.h"
#include "dense_s8.h"
#include "harness.h"
#include "pointwise_s8.h"

enum { kMostIn = 2600, kMostOut = 1400, kMostWeights = 8192, kMostChannels = 40, kGuard = 16 };

static int8_t image[kMostIn];
static int8_t arena[kMostIn + kMostOut + 2 * kGuard];
static int8_t expected[kMostOut];
static int8_t weights[kMostWeights] __attribute__((aligned(16)));
static int32_t channels[2 * kMostChannels];
static int32_t scratch[8192] __attribute__((aligned(16)));

static int32_t up(int32_t value, int32_t unit) {
  return (value + unit - 1) / unit * unit;
}

/* Extremes on purpose in a quarter of the cases: -128 everywhere is the largest sum there is. */
static void fill(int8_t* to, int32_t count) {
  const int32_t kind = below(8);
  for (int32_t i = 0; i < count; i++) {
    const int8_t any = random_s8();
    to[i] = kind == 0 ? -128 : (kind == 1 ? (any < 0 ? -128 : 127) : any);
  }
}

struct numbers {
  int32_t rounding, shift, low, high;
};

/* Weights in padded rows, biases and multipliers; an output range that is the full one in half of the cases. */
static struct numbers make_constants(int32_t out_c, int32_t inputs) {
  struct numbers n;
  const int32_t zero = below(256) - 128;
  const int32_t row = up(inputs, 4);
  for (int32_t o = 0; o < out_c; o++) {
    fill(weights + o * row, inputs);
    for (int32_t i = inputs; i < row; i++) weights[o * row + i] = 0;
    channels[2 * o] = below(40001) - 20000;
    channels[2 * o + 1] = (1 << 28) + below(1 << 30);
  }
  n.shift = 4 + below(8);
  n.rounding = (1 << (n.shift - 1)) + zero * (1 << n.shift);
  n.low = -128;
  n.high = 127;
  if (below(2) == 0) {
    n.low = zero;
    n.high = zero + below(128 - zero);
  }
  return n;
}

static int8_t quantized(int32_t acc, int32_t o, struct numbers n) {
  const int64_t product = (int64_t)acc * channels[2 * o + 1];
  const int64_t value = ((product >> 32) + n.rounding) >> n.shift;
  return (int8_t)(value < n.low ? n.low : (value > n.high ? n.high : value));
}

static void check_bytes(const int8_t* got, int32_t count, const char* what) {
  int same = 1;
  for (int32_t i = 0; i < count; i++) same &= got[i] == expected[i];
  check(same, what);
}

static void check_guard(const int8_t* at, const char* what) {
  int same = 1;
  for (int32_t i = 0; i < kGuard; i++) same &= at[i] == 77;
  check(same, what);
}

static void set_guard(int8_t* at) {
  for (int32_t i = 0; i < kGuard; i++) at[i] = 77;
}

static void test_pointwise(void) {
  const int32_t in_c = 1 + below(below(4) == 0 ? 130 : 40);
  const int32_t out_c = 1 + below(19);
  const int32_t pixels = 1 + below(13);
  const struct numbers n = make_constants(out_c, in_c);
  const int32_t row = up(in_c, 4);
  const int32_t overlap = below(2);
  /* In place: inputs end where outputs end, or start where they start, whichever lies higher. */
  const int32_t apart = overlap ? (out_c > in_c ? pixels * (out_c - in_c) : 0) : pixels * out_c + kGuard;
  int8_t* out = arena + kGuard + (overlap ? 0 : below(4));
  int8_t* in = out + apart;
  fill(image, pixels * in_c);
  for (int32_t p = 0; p < pixels; p++) {
    for (int32_t o = 0; o < out_c; o++) {
      int32_t acc = channels[2 * o];
      for (int32_t i = 0; i < in_c; i++) acc += image[p * in_c + i] * weights[o * row + i];
      expected[p * out_c + o] = quantized(acc, o, n);
    }
  }
  for (int32_t i = 0; i < pixels * in_c; i++) in[i] = image[i];
  set_guard(out - kGuard);
  if (!overlap) set_guard(out + pixels * out_c);
  const int32_t words = tc_block_bytes(in_c) / 4;
  scratch[words] = 4711;
  tc_pointwise_s8(in, out, scratch, weights, channels, pixels, in_c, out_c, n.rounding, n.shift, n.low, n.high);
  check_bytes(out, pixels * out_c, overlap ? "pointwise, in place" : "pointwise");
  check_guard(out - kGuard, "pointwise, below");
  if (!overlap) check_guard(out + pixels * out_c, "pointwise, above");
  check(scratch[words] == 4711, "pointwise, scratch");
}

static void test_dense(void) {
  const int32_t in_c = 1 + below(below(4) == 0 ? 200 : 40);
  const int32_t out_c = 1 + below(19);
  const struct numbers n = make_constants(out_c, in_c);
  const int32_t row = up(in_c, 4);
  const int8_t* in = image + below(4);
  int8_t* out = arena + kGuard + below(4);
  fill(image, in_c + 4);
  for (int32_t o = 0; o < out_c; o++) {
    int32_t acc = channels[2 * o];
    for (int32_t i = 0; i < in_c; i++) acc += in[i] * weights[o * row + i];
    expected[o] = quantized(acc, o, n);
  }
  for (int32_t with_scratch = 0; with_scratch < 2; with_scratch++) {
    const int32_t words = 2 * up(in_c, 16) / 4;
    set_guard(out - kGuard);
    set_guard(out + out_c);
    scratch[words] = 4711;
    tc_dense_s8(in, out, with_scratch ? scratch : (int32_t*)0, weights, channels, in_c, out_c, n.rounding, n.shift,
                n.low, n.high);
    check_bytes(out, out_c, with_scratch ? "dense" : "dense without scratch");
    check_guard(out - kGuard, "dense, below");
    check_guard(out + out_c, "dense, above");
    check(scratch[words] == 4711, "dense, scratch");
  }
}

struct window {
  int32_t in_h, in_w, in_c, out_h, out_w, out_c, kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, dilation_h,
      dilation_w, groups;
};

static void one_axis(int32_t* in, int32_t* out, int32_t* kernel, int32_t* stride, int32_t* pad, int32_t* dilation) {
  *kernel = 1 + below(4);
  *stride = 1 + below(3);
  *dilation = below(3) == 0 ? 2 : 1;
  *pad = below(4);
  const int32_t span = (*kernel - 1) * *dilation + 1;
  const int32_t after = below(3);
  *in = 1 + below(9);
  if (*in + *pad + after < span) *in = span;
  *out = (*in + *pad + after - span) / *stride + 1;
}

/* Smallest distance of the input's start above the output's start that the promise allows. */
static int32_t least_apart(const struct window* w) {
  int32_t least = 0;
  int32_t written = 0;
  const int32_t ahead = w->groups == 1 ? 0 : 4;
  const int32_t pixels = w->out_h * w->out_w;
  for (int32_t p = 0; p < pixels; p++) {
    int32_t y = p / w->out_w * w->stride_h - w->pad_top;
    /* Rows are taken from their start: the first byte of a window is not above the first of a later one's row. */
    while (y < 0) y += w->dilation_h;
    written = (p + ahead < pixels ? p + ahead : pixels) * w->out_c;
    const int32_t first = y * w->in_w * w->in_c;
    if (written - first > least) least = written - first;
  }
  return least;
}

static void reference_conv(const struct window* w, int32_t in_zero, struct numbers n) {
  const int32_t group_c = w->in_c / w->groups;
  const int32_t row = up(w->kernel_h * w->kernel_w * group_c, 4);
  int8_t* to = expected;
  for (int32_t p = 0; p < w->out_h * w->out_w; p++) {
    for (int32_t o = 0; o < w->out_c; o++) {
      const int32_t g = o / (w->out_c / w->groups);
      const int8_t* weight = weights + o * row;
      int32_t acc = channels[2 * o];
      for (int32_t i = 0; i < w->kernel_h; i++) {
        for (int32_t j = 0; j < w->kernel_w; j++) {
          const int32_t y = p / w->out_w * w->stride_h - w->pad_top + i * w->dilation_h;
          const int32_t x = p % w->out_w * w->stride_w - w->pad_left + j * w->dilation_w;
          const int inside = y >= 0 && y < w->in_h && x >= 0 && x < w->in_w;
          for (int32_t c = 0; c < group_c; c++) {
            acc += *weight++ * (inside ? image[(y * w->in_w + x) * w->in_c + g * group_c + c] : in_zero);
          }
        }
      }
      *to++ = quantized(acc, o, n);
    }
  }
}

static void test_conv(void) {
  struct window w;
  one_axis(&w.in_h, &w.out_h, &w.kernel_h, &w.stride_h, &w.pad_top, &w.dilation_h);
  one_axis(&w.in_w, &w.out_w, &w.kernel_w, &w.stride_w, &w.pad_left, &w.dilation_w);
  w.groups = below(2) == 0 ? 1 : 1 + below(4);
  w.in_c = w.groups * (1 + below(w.groups == 1 ? 9 : 4));
  w.out_c = w.groups * (1 + below(w.groups == 1 ? 10 : 4));
  if (w.in_h * w.in_w * w.in_c > kMostIn || w.out_h * w.out_w * w.out_c > kMostOut) return;
  const int32_t inputs = w.kernel_h * w.kernel_w * w.in_c / w.groups;
  const struct numbers n = make_constants(w.out_c, inputs);
  const int32_t in_zero = below(256) - 128;
  const int32_t size = w.out_h * w.out_w * w.out_c;
  const int32_t overlap = below(2);
  int8_t* out = arena + kGuard;
  int8_t* in = out + (overlap ? least_apart(&w) : size + kGuard);
  if (in + w.in_h * w.in_w * w.in_c > arena + sizeof(arena)) return;
  fill(image, w.in_h * w.in_w * w.in_c);
  reference_conv(&w, in_zero, n);
  for (int32_t i = 0; i < w.in_h * w.in_w * w.in_c; i++) in[i] = image[i];
  set_guard(out - kGuard);
  if (!overlap) set_guard(out + size);
  const int32_t words = (tc_block_bytes(inputs) + up(inputs, 16)) / 4;
  scratch[words] = 4711;
  tc_conv_s8(in, out, scratch, weights, channels, w.in_h, w.in_w, w.in_c, w.out_h, w.out_w, w.out_c, w.kernel_h,
             w.kernel_w, w.stride_h, w.stride_w, w.pad_top, w.pad_left, w.dilation_h, w.dilation_w, w.groups, in_zero,
             n.rounding, n.shift, n.low, n.high);
  check_bytes(out, size, overlap ? "conv, overlapping" : "conv");
  check_guard(out - kGuard, "conv, below");
  if (!overlap) check_guard(out + size, "conv, above");
  check(scratch[words] == 4711, "conv, scratch");
}

/* Windows too long for the large block. */
static void test_long(void) {
  const int32_t in_c = 1020 + below(10);
  const int32_t out_c = 1 + below(5);
  const int32_t pixels = 1 + below(2);
  const struct numbers n = make_constants(out_c, in_c);
  fill(image, pixels * in_c);
  for (int32_t p = 0; p < pixels; p++) {
    for (int32_t o = 0; o < out_c; o++) {
      int32_t acc = channels[2 * o];
      for (int32_t i = 0; i < in_c; i++) acc += image[p * in_c + i] * weights[o * up(in_c, 4) + i];
      expected[p * out_c + o] = quantized(acc, o, n);
    }
  }
  tc_pointwise_s8(image, arena, scratch, weights, channels, pixels, in_c, out_c, n.rounding, n.shift, n.low, n.high);
  check_bytes(arena, pixels * out_c, "pointwise, long");
}

int main(void) {
  for (int32_t i = 0; i < 400; i++) {
    test_pointwise();
    test_dense();
    test_conv();
  }
  for (int32_t i = 0; i < 10; i++) test_long();
  return finish();
}
