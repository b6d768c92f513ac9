/* Depthwise convolutions against their definition: odd shapes, in place and apart, every byte around out untouched. */
#include "depthwise3x3_s8.h"
#include "depthwise_s8.h"
#include "harness.h"

enum { kLargest = 26000, kMostChannels = 4100, kGuard = 16 };

typedef struct {
  int32_t in_h, in_w, count, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, in_zero;
  int32_t rounding, shift, low, high;
} Case;

static int8_t image[kLargest];
static int8_t output[kLargest + 2 * kGuard];
static int8_t expected[kLargest];
static int8_t weights[12 * kMostChannels];
static int32_t channels[2 * kMostChannels];
static int32_t scratch[16384];

static int32_t at_least(int32_t value, int32_t least) {
  return value < least ? least : value;
}

static int32_t tap_sum(const Case* k, int32_t oy, int32_t ox, int32_t c) {
  const int8_t* w = weights + c * ((k->kernel_h * k->kernel_w + 3) & ~3);
  int32_t acc = channels[2 * c];
  for (int32_t ky = 0; ky < k->kernel_h; ++ky)
    for (int32_t kx = 0; kx < k->kernel_w; ++kx) {
      const int32_t y = oy * k->stride_h - k->pad_top + ky;
      const int32_t x = ox * k->stride_w - k->pad_left + kx;
      const int inside = y >= 0 && y < k->in_h && x >= 0 && x < k->in_w;
      acc += w[ky * k->kernel_w + kx] * (inside ? image[(y * k->in_w + x) * k->count + c] : k->in_zero);
    }
  return acc;
}

static void expect(const Case* k) {
  for (int32_t oy = 0; oy < k->out_h; ++oy)
    for (int32_t ox = 0; ox < k->out_w; ++ox)
      for (int32_t c = 0; c < k->count; ++c) {
        const int64_t product = (int64_t)tap_sum(k, oy, ox, c) * channels[2 * c + 1];
        const int64_t q = ((product >> 32) + k->rounding) >> k->shift;
        expected[(oy * k->out_w + ox) * k->count + c] = (int8_t)(q < k->low ? k->low : (q > k->high ? k->high : q));
      }
}

static void call(const Case* k, const int8_t* in, int8_t* out) {
  if (k->kernel_h == 3 && k->kernel_w == 3 && k->stride_h == k->stride_w && k->stride_h <= 2)
    tc_depthwise3x3_s8(in, out, scratch, weights, channels, k->in_h, k->in_w, k->count, k->out_h, k->out_w, k->stride_h,
                       k->stride_w, k->pad_top, k->pad_left, k->in_zero, k->rounding, k->shift, k->low, k->high);
  else
    tc_depthwise_s8(in, out, scratch, weights, channels, k->in_h, k->in_w, k->count, k->out_h, k->out_w, k->kernel_h,
                    k->kernel_w, k->stride_h, k->stride_w, k->pad_top, k->pad_left, k->in_zero, k->rounding, k->shift,
                    k->low, k->high);
}

/* The documented bytes of scratch; the byte behind them must not change. */
static int32_t scratch_bytes(const Case* k) {
  const int32_t s = k->stride_h;
  if (k->kernel_h == 3 && k->kernel_w == 3 && s == k->stride_w && s <= 2)
    return 64 + 2 * (s * (k->out_h + 3) + 2) * (s * (k->out_w + 3) + 2);
  return 2 * (k->kernel_h * (k->kernel_w + 1) +
              ((k->out_h - 1) * k->stride_h + k->kernel_h) * ((k->out_w - 1) * k->stride_w + k->kernel_w + 1));
}

static void run(const Case* k) {
  const int32_t in_size = k->in_h * k->in_w * k->count;
  const int32_t out_size = k->out_h * k->out_w * k->count;
  const int32_t limit = scratch_bytes(k);
  int8_t* const guard = (int8_t*)scratch + limit;
  expect(k);
  for (int in_place = 0; in_place < 2; ++in_place) {
    int8_t* const out = output + kGuard;
    memset(output, 0x55, sizeof output);
    memset(scratch, 0x33, sizeof scratch);
    if (in_place) memcpy(out, image, (size_t)in_size);
    call(k, in_place ? out : image, out);
    check(memcmp(out, expected, (size_t)out_size) == 0, in_place ? "in place" : "apart");
    check(output[kGuard - 1] == 0x55 && output[kGuard + at_least(out_size, in_place ? in_size : 0)] == 0x55, "guard");
    check(guard[0] == 0x33 && guard[1] == 0x33 && guard[2] == 0x33 && guard[3] == 0x33, "scratch");
  }
}

static void random_numbers(Case* k) {
  const int32_t taps = k->kernel_h * k->kernel_w;
  const int32_t row = (taps + 3) & ~3;
  for (int32_t i = 0; i < k->in_h * k->in_w * k->count; ++i) image[i] = random_s8();
  memset(weights, 0, sizeof weights);
  k->shift = pick(1, 8);
  for (int32_t c = 0; c < k->count; ++c) {
    for (int32_t i = 0; i < taps; ++i) weights[c * row + i] = (int8_t)at_least(random_s8(), -127);
    channels[2 * c] = pick(-20000, 20000);
    channels[2 * c + 1] = pick(1 << 13, 1 << 15) * (1 << k->shift);
    if (pick(0, 9) == 0) channels[2 * c + 1] = pick(1 << 22, 0x7FFFFFFF); /* saturates */
  }
  k->rounding = (1 << (k->shift - 1)) + pick(-128, 127) * (1 << k->shift);
  k->in_zero = pick(-128, 127);
  k->low = pick(0, 2) ? -128 : pick(-128, 0);
  k->high = pick(0, 2) ? 127 : pick(0, 127);
}

static void random_case(int three) {
  Case k;
  k.kernel_h = three ? 3 : pick(1, 6);
  k.kernel_w = three ? 3 : (pick(0, 9) ? pick(1, 6) : pick(15, 19));
  k.stride_h = pick(1, 2);
  k.stride_w = three ? k.stride_h : pick(1, 3);
  k.pad_top = pick(0, k.kernel_h - 1);
  k.pad_left = pick(0, k.kernel_w - 1);
  k.in_h = at_least(pick(1, 12), k.kernel_h - k.pad_top);
  k.in_w = at_least(pick(1, 12), k.kernel_w - k.pad_left);
  k.count = pick(0, 3) ? pick(1, 20) : 8 * pick(1, 4);
  k.out_h = (k.in_h + k.pad_top + pick(0, k.kernel_h - 1) - k.kernel_h) / k.stride_h + 1;
  k.out_w = (k.in_w + k.pad_left + pick(0, k.kernel_w - 1) - k.kernel_w) / k.stride_w + 1;
  random_numbers(&k);
  run(&k);
}

/* More channels than an image on a device has: no offset may be cut to 16 bits. */
static void wide_case(void) {
  Case k = {3, 2, kMostChannels, 3, 2, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0, 0};
  random_numbers(&k);
  run(&k);
}

int main(void) {
  wide_case();
  for (int i = 0; i < 150; ++i) random_case(1);
  for (int i = 0; i < 100; ++i) random_case(0);
  return finish();
}
