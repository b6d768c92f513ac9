/* Products that are shifted left before they are multiplied, against 64-bit arithmetic. */
#include "conv_left_s8.h"
#include "harness.h"

enum { kIn = 7 * 6 * 12, kOut = 12 * 12 * 8, kWeights = 8 * 9 * 12 };

static int8_t in[kIn];
static int8_t out[kOut];
static int8_t weights[kWeights];
static int32_t channels[16];

static void test_window(void) {
  const int32_t groups = pick(1, 2);
  const int32_t in_c = groups * pick(1, 5);
  const int32_t out_c = groups * pick(1, 3);
  const int32_t kernel_h = pick(1, 3);
  const int32_t kernel_w = pick(1, 3);
  const int32_t stride = pick(1, 2);
  const int32_t pad = pick(-1, 1);
  const int32_t dilation = pick(1, 2);
  const int32_t left = pick(1, 14);
  const int32_t shift = pick(1, 3);
  const int32_t zero = pick(-128, 127);
  const int32_t rounding = (1 << (shift - 1)) + pick(-128, 127) * (1 << shift);
  const int32_t out_h = pick(1, 4);
  const int32_t out_w = pick(1, 4);
  const int32_t group_c = in_c / groups;
  const int32_t row = (kernel_h * kernel_w * group_c + 3) & ~3;
  for (int32_t i = 0; i < kIn; ++i) in[i] = random_s8();
  for (int32_t i = 0; i < kWeights; ++i) weights[i] = random_s8();
  for (int32_t i = 0; i < 8; ++i) {
    channels[2 * i] = pick(-40000, 40000);
    channels[2 * i + 1] = pick(1 << 29, 0x7FFFFFFF);
  }
  memset(out, 0x55, sizeof out);
  tc_conv_left_s8(in, out, weights, channels, 7, 6, in_c, out_h, out_w, out_c, kernel_h, kernel_w, stride, stride, pad,
                  pad, dilation, dilation, groups, zero, left, rounding, shift, -100, 110);
  check(out[out_h * out_w * out_c] == 0x55, "nothing behind the result is written");
  for (int32_t i = 0; i < out_h * out_w * out_c; ++i) {
    const int32_t o = i % out_c;
    int64_t acc = channels[2 * o];
    for (int32_t k = 0; k < kernel_h * kernel_w * group_c; ++k) {
      const int32_t y = i / out_c / out_w * stride - pad + k / group_c / kernel_w * dilation;
      const int32_t x = i / out_c % out_w * stride - pad + k / group_c % kernel_w * dilation;
      const int32_t c = o / (out_c / groups) * group_c + k % group_c;
      const int32_t inside = y >= 0 && y < 7 && x >= 0 && x < 6;
      acc += weights[o * row + k] * (inside ? in[(y * 6 + x) * in_c + c] : zero);
    }
    /* |acc| < 2^24: its product with a multiplier fits 64 bits; shifted left it might not. */
    int64_t q = (((acc * channels[2 * o + 1]) >> (32 - left)) + rounding) >> shift;
    q = q < -100 ? -100 : (q > 110 ? 110 : q);
    check(out[i] == q, "shifted product");
  }
}

int main(void) {
  for (int i = 0; i < 60; ++i) test_window();
  return finish();
}
