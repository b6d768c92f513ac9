/* Pooling against its definition: odd shapes, apart and as far over its own input as promised. */
#include "average_pool_s8.h"
#include "harness.h"
#include "max_pool_s8.h"

enum { kLargest = 16384, kBelow = 4096 };

typedef struct {
  int32_t in_h, in_w, count, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left;
  int32_t dilation_h, dilation_w, in_zero, rounding, shift, low, high;
} Case;

static int8_t image[kLargest];
static int8_t expected[kLargest];
static int8_t memory[kBelow + kLargest];
static int32_t multipliers[1024];

static int32_t clamp(int64_t q, const Case* k) {
  return (int32_t)(q < k->low ? k->low : (q > k->high ? k->high : q));
}

static int32_t naive(const Case* k, int max, int32_t oy, int32_t ox, int32_t c) {
  int32_t cells = 0;
  int32_t sum = 0;
  int32_t largest = -128;
  for (int32_t ky = 0; ky < k->kernel_h; ++ky)
    for (int32_t kx = 0; kx < k->kernel_w; ++kx) {
      const int32_t y = oy * k->stride_h - k->pad_top + ky * k->dilation_h;
      const int32_t x = ox * k->stride_w - k->pad_left + kx * k->dilation_w;
      if (y < 0 || y >= k->in_h || x < 0 || x >= k->in_w) continue;
      const int32_t q = image[(y * k->in_w + x) * k->count + c];
      largest = q > largest ? q : largest;
      sum += q - k->in_zero;
      ++cells;
    }
  if (max) return clamp(largest, k);
  return clamp(((((int64_t)sum * 64 * multipliers[cells - 1]) >> 32) + k->rounding) >> k->shift, k);
}

static void call(const Case* k, int max, const int8_t* in, int8_t* out) {
  if (max)
    tc_max_pool_s8(in, out, k->in_h, k->in_w, k->count, k->out_h, k->out_w, k->kernel_h, k->kernel_w, k->stride_h,
                   k->stride_w, k->pad_top, k->pad_left, k->dilation_h, k->dilation_w, k->low, k->high);
  else
    tc_average_pool_s8(in, out, multipliers, 1, k->in_h, k->in_w, k->count, k->out_h, k->out_w, k->kernel_h,
                       k->kernel_w, k->stride_h, k->stride_w, k->pad_top, k->pad_left, k->in_zero, k->rounding,
                       k->shift, k->low, k->high);
}

static void run(const Case* k, int max) {
  const int32_t in_size = k->in_h * k->in_w * k->count;
  const int32_t out_size = k->out_h * k->out_w * k->count;
  const int32_t below = (k->pad_top * k->in_w + k->pad_left) * k->count;
  for (int32_t oy = 0; oy < k->out_h; ++oy)
    for (int32_t ox = 0; ox < k->out_w; ++ox)
      for (int32_t c = 0; c < k->count; ++c)
        expected[(oy * k->out_w + ox) * k->count + c] = (int8_t)naive(k, max, oy, ox, c);
  memset(memory, 0x55, sizeof memory);
  call(k, max, image, memory + 1);
  check(memcmp(memory + 1, expected, (size_t)out_size) == 0, max ? "max apart" : "average apart");
  check(memory[0] == 0x55 && memory[out_size + 1] == 0x55, "guard");
  if (k->out_w > k->in_w || below > kBelow) return;
  memcpy(memory + kBelow, image, (size_t)in_size);
  call(k, max, memory + kBelow, memory + kBelow - below);
  check(memcmp(memory + kBelow - below, expected, (size_t)out_size) == 0, max ? "max over" : "average over");
}

static void random_numbers(Case* k) {
  for (int32_t i = 0; i < k->in_h * k->in_w * k->count; ++i) image[i] = random_s8();
  k->shift = pick(1, 8);
  for (int32_t i = 0; i < k->kernel_h * k->kernel_w; ++i)
    multipliers[i] = (int32_t)((((uint32_t)pick(3 << 20, 5 << 20) / (uint32_t)(i + 1)) << k->shift));
  k->rounding = (1 << (k->shift - 1)) + pick(-128, 127) * (1 << k->shift);
  k->in_zero = pick(-128, 127);
  k->low = pick(0, 1) ? -128 : pick(-128, 0);
  k->high = pick(0, 1) ? 127 : pick(0, 127);
}

static void random_case(int max, int global) {
  Case k;
  k.count = pick(0, 2) ? pick(1, 20) : 8 * pick(1, 8);
  k.dilation_h = max ? pick(1, 2) : 1;
  k.dilation_w = max ? pick(1, 2) : 1;
  k.kernel_h = global ? pick(1, 30) : pick(1, 4);
  k.kernel_w = global ? pick(1, 17) : pick(1, 4);
  k.stride_h = pick(1, 3);
  k.stride_w = pick(1, 3);
  k.pad_top = global ? 0 : pick(0, k.kernel_h - 1);
  k.pad_left = global ? 0 : pick(0, k.kernel_w - 1);
  const int32_t span_h = (k.kernel_h - 1) * k.dilation_h + 1;
  const int32_t span_w = (k.kernel_w - 1) * k.dilation_w + 1;
  k.in_h = global ? span_h : span_h + pick(0, 8);
  k.in_w = global ? span_w : span_w + pick(0, 8);
  k.out_h = global ? 1 : (k.in_h + k.pad_top + pick(0, k.kernel_h - 1) - span_h) / k.stride_h + 1;
  k.out_w = global ? 1 : (k.in_w + k.pad_left + pick(0, k.kernel_w - 1) - span_w) / k.stride_w + 1;
  while (k.in_h * k.in_w * k.count > kLargest || k.out_h * k.out_w * k.count > kLargest - 8) k.count -= 1;
  random_numbers(&k);
  run(&k, max);
}

int main(void) {
  for (int i = 0; i < 80; ++i) {
    random_case(0, 0);
    random_case(1, 0);
    if (i % 4 == 0) random_case(0, 1);
  }
  return finish();
}
