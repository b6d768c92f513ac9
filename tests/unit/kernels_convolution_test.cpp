#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "ops/kernels/depthwise.h"

namespace tinyc::kernels {
namespace {

std::vector<float> numbers(int64_t count, std::mt19937& random) {
  std::uniform_real_distribution<float> real(-1.0F, 1.0F);
  std::vector<float> values(static_cast<size_t>(count) + 32);
  for (float& value : values) value = real(random);
  return values;
}

struct Case {
  ConvolutionDims dims;
  std::vector<float> x, w, bias;

  int64_t in_count() const { return dims.y.in * dims.x.in; }
  int64_t out_count() const { return dims.y.out * dims.x.out; }
  int64_t depth() const { return dims.channels / dims.groups * dims.y.kernel * dims.x.kernel; }
};

PlaneAxis random_axis(std::mt19937& random) {
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  PlaneAxis axis{.in = pick(1, 40), .kernel = pick(1, 5), .stride = pick(1, 3), .dilation = pick(1, 2)};
  const int64_t extent = (axis.kernel - 1) * axis.dilation + 1;
  axis.pad = pick(0, static_cast<int>(axis.kernel) - 1);
  const int64_t pad_end = std::max(pick(0, static_cast<int>(axis.kernel) - 1), extent - axis.in - axis.pad);
  axis.out = (axis.in + axis.pad + pad_end - extent) / axis.stride + 1;
  return axis;
}

Case random_case(std::mt19937& random) {
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  const int64_t groups = pick(0, 2) == 0 ? pick(2, 6) : 1;
  Case c;
  c.dims = {.samples = pick(1, 4),
            .channels = groups * pick(1, groups > 1 ? 3 : 20),
            .out_channels = groups * pick(1, groups > 1 ? 3 : 30),
            .groups = groups,
            .y = random_axis(random),
            .x = random_axis(random)};
  c.x = numbers(c.dims.samples * c.dims.channels * c.in_count(), random);
  c.w = numbers(c.dims.out_channels * c.depth(), random);
  c.bias = numbers(c.dims.out_channels, random);
  return c;
}

std::vector<float> naive(const Case& c, float low, float high) {
  const ConvolutionDims& d = c.dims;
  const int64_t per_group = d.channels / d.groups, out_per_group = d.out_channels / d.groups;
  std::vector<float> y;
  for (int64_t i = 0; i < d.samples * d.out_channels * c.out_count(); ++i) {
    const int64_t n = i / (d.out_channels * c.out_count()), m = i / c.out_count() % d.out_channels;
    const int64_t oy = i % c.out_count() / d.x.out, ox = i % d.x.out;
    float sum = c.bias[static_cast<size_t>(m)];
    for (int64_t k = 0; k < c.depth(); ++k) {
      const int64_t channel = m / out_per_group * per_group + k / (d.y.kernel * d.x.kernel);
      const int64_t iy = oy * d.y.stride - d.y.pad + k / d.x.kernel % d.y.kernel * d.y.dilation;
      const int64_t ix = ox * d.x.stride - d.x.pad + k % d.x.kernel * d.x.dilation;
      const bool inside = iy >= 0 && iy < d.y.in && ix >= 0 && ix < d.x.in;
      const int64_t at = ((n * d.channels + channel) * d.y.in + iy) * d.x.in + ix;
      sum = std::fma(c.w[static_cast<size_t>(m * c.depth() + k)], inside ? c.x[static_cast<size_t>(at)] : 0.0F, sum);
    }
    y.push_back(std::min(std::max(sum, low), high));
  }
  return y;
}

std::vector<float> run(const Case& c, float low, float high) {
  const auto plan = Convolution::plan(c.dims);
  EXPECT_TRUE(plan.has_value());
  std::vector<float> packed(static_cast<size_t>(plan->packed_weight_size()));
  plan->pack_weights(c.w.data(), packed.data());
  std::vector<float> scratch(static_cast<size_t>(plan->scratch_size()), 1e30F);
  // Guards behind the end: kernels may read there, never write.
  std::vector<float> y(static_cast<size_t>(c.dims.samples * c.dims.out_channels * c.out_count()) + 64, 77.0F);
  plan->run({.x = c.x.data(),
             .weights = packed.data(),
             .bias = c.bias.data(),
             .low = low,
             .high = high,
             .y = y.data(),
             .scratch = scratch.data()});
  EXPECT_TRUE(std::all_of(y.end() - 64, y.end(), [](float v) { return v == 77.0F; }));
  y.resize(y.size() - 64);
  return y;
}

TEST(Convolution, HasTheBitsOfTheNaiveLoop) {
  std::mt19937 random(1);
  for (int i = 0; i < 400; ++i) {
    const Case c = random_case(random);
    SCOPED_TRACE(i);
    ASSERT_EQ(run(c, -0.5F, 1.5F), naive(c, -0.5F, 1.5F));
  }
}

TEST(Convolution, PointwiseOnSmallMapsHasTheBitsOfTheNaiveLoop) {
  std::mt19937 random(4);
  for (int64_t size = 1; size < 9; ++size) {
    for (const int64_t out_channels : {1, 5, 16, 40, 64, 130}) {
      const PlaneAxis axis{.in = size, .out = size};
      Case c;
      c.dims = {.samples = 3, .channels = 33, .out_channels = out_channels, .groups = 1, .y = axis, .x = axis};
      c.x = numbers(c.dims.samples * 33 * c.in_count(), random);
      c.w = numbers(out_channels * 33, random);
      c.bias = numbers(out_channels, random);
      ASSERT_EQ(run(c, -0.5F, 1.5F), naive(c, -0.5F, 1.5F)) << size << " " << out_channels;
    }
  }
}

TEST(Depthwise3x3, HasTheBitsOfTheNaiveLoop) {
  std::mt19937 random(3);
  for (int64_t height = 1; height < 12; ++height) {
    for (const int64_t width : {1, 2, 3, 5, 7, 8, 14, 16, 17, 40}) {
      const PlaneAxis y{.in = height, .out = height, .kernel = 3, .pad = 1};
      const PlaneAxis x{.in = width, .out = width, .kernel = 3, .pad = 1};
      Case c;
      c.dims = {.samples = 2, .channels = 3, .out_channels = 3, .groups = 3, .y = y, .x = x};
      c.x = numbers(c.dims.samples * 3 * c.in_count(), random);
      c.w = numbers(27, random);
      c.bias = numbers(3, random);
      const auto plan = Depthwise3x3::plan(c.dims);
      ASSERT_TRUE(plan.has_value());
      std::vector<float> result(static_cast<size_t>(6 * c.out_count()) + 64, 77.0F);
      plan->run({.x = c.x.data(),
                 .weights = c.w.data(),
                 .bias = c.bias.data(),
                 .low = -0.5F,
                 .high = 1.5F,
                 .y = result.data()});
      EXPECT_TRUE(std::all_of(result.end() - 64, result.end(), [](float v) { return v == 77.0F; }));
      result.resize(result.size() - 64);
      ASSERT_EQ(result, naive(c, -0.5F, 1.5F)) << height << " x " << width;
    }
  }
}

TEST(Convolution, SampleBitsDoNotDependOnTheBatch) {
  std::mt19937 random(2);
  for (int i = 0; i < 100; ++i) {
    Case c = random_case(random);
    c.dims.samples = 7;
    c.x = numbers(c.dims.samples * c.dims.channels * c.in_count(), random);
    const std::vector<float> together = run(c, -INFINITY, INFINITY);
    const int64_t in_size = c.dims.channels * c.in_count(), out_size = c.dims.out_channels * c.out_count();
    Case alone = c;
    alone.dims.samples = 1;
    for (int64_t n = 0; n < c.dims.samples; ++n) {
      alone.x.assign(c.x.begin() + n * in_size, c.x.begin() + (n + 1) * in_size);
      alone.x.resize(alone.x.size() + 32);
      const std::vector<float> y = run(alone, -INFINITY, INFINITY);
      ASSERT_TRUE(std::equal(y.begin(), y.end(), together.begin() + n * out_size)) << i;
    }
  }
}

}  // namespace
}  // namespace tinyc::kernels
