/* Float kernels: results against their definitions, and their bits, which are the same on every target. */
#include "binary_f32.h"
#include "conv_f32.h"
#include "harness.h"
#include "map_f32.h"
#include "matmul_f32.h"
#include "move_f32.h"
#include "normalize_f32.h"
#include "pool_f32.h"

enum { kLargest = 1024 };

static float a[kLargest];
static float b[kLargest];
static float c[kLargest];
static float out[kLargest];
static int8_t bytes[kLargest];
static const float no_limits[2] = {-3.0e38F, 3.0e38F};
static uint32_t hash = 2166136261U;

/* Within about +-8, many digits. */
static void fill(float* to) {
  for (int32_t i = 0; i < kLargest; ++i) to[i] = (float)((int32_t)(next_random() >> 7) - (1 << 24)) / 2097152.0F;
}

static void add_to_hash(int32_t count) {
  for (int32_t i = 0; i < count; ++i) hash = (hash ^ tc_bits_of_f32(out[i])) * 16777619U;
}

static int close_to(float x, float y) {
  return tc_abs_f32(x - y) <= 1e-5F * (1.0F + tc_abs_f32(y));
}

static void test_functions(void) {
  static const float parameters[2] = {0.3F, 0.6F};
  check(tc_exp_f32(0.0F) == 1.0F && close_to(tc_exp_f32(1.0F), 2.7182818F) && tc_exp_f32(-100.0F) == 0.0F, "exp");
  check(tc_log_f32(1.0F) == 0.0F && close_to(tc_log_f32(10.0F), 2.3025851F), "log");
  check(close_to(tc_tanh_f32(0.5F), 0.46211716F) && close_to(tc_tanh_f32(-2.0F), -0.96402758F), "tanh");
  check(tc_sigmoid_f32(0.0F) == 0.5F && close_to(tc_sigmoid_f32(2.0F), 0.88079708F), "sigmoid");
  check(close_to(tc_erf_f32(0.5F), 0.52049988F) && close_to(tc_erf_f32(-1.5F), -0.96610515F), "erf");
  check(tc_sqrt_f32(2.0F) == 1.41421354F && tc_sqrt_f32(9.0F) == 3.0F && tc_sqrt_f32(0.0F) == 0.0F, "sqrt");
  check(tc_pow_f32(3.0F, 4.0F) == 81.0F && close_to(tc_pow_f32(2.0F, 1.5F), 2.8284271F), "pow");
  fill(a);
  for (int32_t function = 0; function <= TC_MAP_SWISH; ++function) {
    tc_map_f32(a, out, parameters, 200, function);
    if (function == TC_MAP_LOG) continue; /* not numbers have many bits */
    add_to_hash(200);
  }
  for (int32_t i = 0; i < 200; ++i) {
    out[i] = tc_log_f32(tc_abs_f32(a[i]));
    check(close_to(tc_exp_f32(out[i]), tc_abs_f32(a[i])), "exp of log");
    check(close_to(tc_sigmoid_f32(a[i]), 0.5F + 0.5F * tc_tanh_f32(0.5F * a[i])), "sigmoid is tanh");
  }
  add_to_hash(200);
  tc_prelu_f32(a, out, b, 120, 3);
  add_to_hash(120);
}

static void test_grid(void) {
  static const float scale = 0.5F;
  static const float at[8] = {0.25F, 0.75F, -0.25F, -0.75F, 1.0e30F, -1.0e30F, 3.26F, -3.3F};
  static const int8_t expected[8] = {3, 5, 3, 1, 100, -100, 10, -4};
  tc_quantize_f32(at, bytes, &scale, 8, 3, -100, 100);
  check(memcmp(bytes, expected, 8) == 0, "quantize");
  tc_dequantize_f32(bytes, out, &scale, 8, 3);
  check(out[0] == 0.0F && out[1] == 1.0F && out[4] == 48.5F && out[6] == 3.5F, "dequantize");
  fill(a);
  memcpy(out, a, sizeof out);
  tc_quantize_f32(a, bytes, &scale, 100, 0, -128, 127);
  tc_quantize_f32(out, (int8_t*)out, &scale, 100, 0, -128, 127);
  check(memcmp(out, bytes, 100) == 0, "quantize in place");
}

static void test_move(void) {
  for (int32_t i = 0; i < 24; ++i) a[i] = (float)i;
  tc_transpose_f32(a, out, 1, 1, 4, 2, 3, 0, 0, 1, 12, 4);
  check(out[0] == 0.0F && out[1] == 4.0F && out[3] == 12.0F && out[6] == 1.0F && out[23] == 23.0F, "transpose");
}

static void test_binary(void) {
  fill(a);
  fill(b);
  for (int32_t function = 0; function < TC_BINARY_POW; ++function) {
    tc_binary_f32(a, b, out, function, 2, 3, 4, 5, 60, 20, 5, 1, 0, 0, 5, 1);
    for (int32_t i = 0; i < 120; ++i) check(out[i] == tc_binary_one_f32(a[i], b[i % 20], function), "binary");
    add_to_hash(120);
  }
}

static void test_conv(void) {
  const int32_t in_h = 5;
  const int32_t in_w = 4;
  fill(a);
  fill(b);
  fill(c);
  for (int32_t groups = 1; groups <= 4; groups *= 2) {
    const int32_t group = 4 / groups;
    tc_conv_f32(a, out, b, c, no_limits, in_h, in_w, 4, 3, 4, 8, 3, 2, 2, 1, 1, 0, 1, 1, groups);
    for (int32_t i = 0; i < 3 * 4 * 8; ++i) {
      const int32_t o = i % 8;
      float sum = 0.0F;
      for (int32_t k = 0; k < 6; ++k) {
        const int32_t y = i / 32 * 2 - 1 + k / 2;
        const int32_t x = i / 8 % 4 + k % 2;
        if (y < 0 || y >= in_h || x >= in_w) continue;
        for (int32_t n = 0; n < group; ++n)
          sum += a[(y * in_w + x) * 4 + o / (8 / groups) * group + n] * b[(o * 6 + k) * group + n];
      }
      check(close_to(out[i], sum + c[o]), "conv");
    }
    add_to_hash(96);
  }
}

static void test_matmul(void) {
  static const float scale[2] = {0.5F, 2.0F};
  fill(a);
  fill(b);
  fill(c);
  for (int32_t turned = 0; turned < 2; ++turned) {
    tc_matmul_f32(a, b, out, c, scale, no_limits, 2, 3, 5, 4, 15, 5, 1, 20, turned ? 1 : 4, turned ? 5 : 1, 0, 1);
    for (int32_t i = 0; i < 24; ++i) {
      float sum = 0.0F;
      for (int32_t k = 0; k < 5; ++k)
        sum += a[i / 4 * 5 + k] * b[i / 12 * 20 + (turned ? i % 4 * 5 + k : k * 4 + i % 4)];
      check(close_to(out[i], 0.5F * sum + 2.0F * c[i % 4]), "matmul");
    }
    add_to_hash(24);
  }
  tc_matmul_f32(a, b, out, 0, scale, no_limits, 1, 3, 5, 4, 0, 5, 1, 0, 4, 1, 0, 0);
  add_to_hash(12);
}

static void test_rows(void) {
  static const float epsilon = 1e-5F;
  float sum = 0.0F;
  fill(a);
  fill(b);
  fill(c);
  tc_softmax_f32(a, out, 3, 21, 0);
  for (int32_t i = 0; i < 21; ++i) sum += out[i];
  check(close_to(sum, 1.0F), "softmax");
  add_to_hash(63);
  memcpy(b + 100, out, 63 * sizeof(float));
  tc_softmax_f32(a, out, 3, 21, 1);
  for (int32_t i = 0; i < 63; ++i) check(close_to(tc_exp_f32(out[i]), b[100 + i]), "log softmax");
  tc_layer_norm_f32(a, out, b, c, &epsilon, 4, 24);
  add_to_hash(96);
  for (int32_t i = 0; i < 24; ++i) b[i] = 1.0F;
  for (int32_t i = 0; i < 24; ++i) c[i] = 0.0F;
  tc_layer_norm_f32(a, out, b, c, &epsilon, 1, 24);
  sum = 0.0F;
  for (int32_t i = 0; i < 24; ++i) sum += out[i] * out[i];
  check(close_to(sum / 24.0F, 1.0F), "layer norm");
  tc_affine_f32(a, out, a + 60, a + 70, 60, 6);
  check(close_to(out[7], a[7] * a[61] + a[71]), "affine");
  add_to_hash(60);
  for (int32_t function = 0; function <= 6; ++function) {
    tc_reduce_f32(a, out, 2, 5, 7, function);
    add_to_hash(14);
  }
  tc_reduce_f32(a, out, 1, 4, 2, 1);
  check(close_to(out[1], 0.25F * (a[1] + a[3] + a[5] + a[7])), "mean");
  for (int32_t average = 0; average < 3; ++average) {
    tc_pool_f32(a, out, 5, 6, 3, 3, 3, 3, 2, 2, 2, 1, 0, 1, 1, average);
    add_to_hash(27);
  }
  tc_pool_f32(a, out, 2, 2, 1, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1);
  check(close_to(out[0], 0.25F * (a[0] + a[1] + a[2] + a[3])), "average pool");
}

int main(void) {
  test_functions();
  test_grid();
  test_move();
  test_binary();
  test_conv();
  test_matmul();
  test_rows();
  check(hash == 3414140498U, "the same bits as everywhere");
  return finish();
}
