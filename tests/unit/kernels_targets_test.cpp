// The kernels give the same bits with every instruction set that this machine has.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "hwy/targets.h"
#include "ops/kernels/convolution.h"
#include "ops/kernels/dense.h"
#include "ops/kernels/depthwise.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/pooling.h"
#include "ops/kernels/targets.h"

namespace tinyc::kernels {
namespace {

class Numbers {
 public:
  std::vector<float> operator()(int64_t count) {
    std::vector<float> values(static_cast<size_t>(count) + 64);
    for (float& value : values) value = real_(random_);
    return values;
  }

 private:
  std::mt19937 random_{1};
  std::uniform_real_distribution<float> real_{-2.0F, 2.0F};
};

void append(std::vector<float>& all, const std::vector<float>& some, int64_t count) {
  all.insert(all.end(), some.begin(), some.begin() + count);
}

void run_convolution(const ConvolutionDims& dims, Numbers& numbers, std::vector<float>& all) {
  const auto plan = Convolution::plan(dims);
  const int64_t in_count = dims.samples * dims.channels * dims.y.in * dims.x.in;
  const int64_t out_count = dims.samples * dims.out_channels * dims.y.out * dims.x.out;
  const std::vector<float> x = numbers(in_count), bias = numbers(dims.out_channels);
  const std::vector<float> w = numbers(dims.out_channels * dims.channels / dims.groups * dims.y.kernel * dims.x.kernel);
  std::vector<float> packed(static_cast<size_t>(plan->packed_weight_size())), y(static_cast<size_t>(out_count));
  std::vector<float> scratch(static_cast<size_t>(plan->scratch_size()));
  plan->pack_weights(w.data(), packed.data());
  Convolution::Operands operands{
      .x = x.data(), .weights = packed.data(), .bias = bias.data(), .y = y.data(), .scratch = scratch.data()};
  plan->run(operands);
  append(all, y, out_count);
  const auto depthwise = Depthwise3x3::plan(dims);
  if (!depthwise) return;
  operands.weights = w.data();
  depthwise->run(operands);
  append(all, y, out_count);
}

void run_functions(Numbers& numbers, std::vector<float>& all) {
  const std::vector<float> x = numbers(1001);
  std::vector<float> y(1001 + 64);
  for (const Function function : {Function::kExp, Function::kErf, Function::kSigmoid, Function::kTanh}) {
    apply(function, x.data(), 1001, y.data());
    append(all, y, 1001);
  }
  softmax(x.data(), 77, 1, 1, false, y.data());
  append(all, y, 77);
  softmax(x.data(), 11, 91, 91, false, y.data());
  append(all, y, 1001);
  normalize(x.data(), 1001, 0.3F, 1.7F, -0.2F, -1.0F, 1.0F, y.data());
  append(all, y, 1001);
  for (int64_t count = 0; count < 70; ++count) all.push_back(sum_of(x.data(), count));
}

void run_dense_and_pools(Numbers& numbers, std::vector<float>& all) {
  const Dense dense(37, 75);
  const std::vector<float> a = numbers(9 * 37), b = numbers(37 * 75), x = numbers(3 * 19 * 23);
  std::vector<float> packed(static_cast<size_t>(dense.packed_size())), y(3 * 19 * 23);
  dense.pack(b.data(), 75, 1, packed.data());
  for (const int64_t rows : {1, 9}) {
    dense.run({.rows = rows, .a = a.data(), .b = packed.data(), .low = -1e9F, .high = 1e9F, .y = y.data()});
    append(all, y, rows * 75);
  }
  const PlaneAxis height{.in = 19, .out = 10, .kernel = 3, .stride = 2, .pad = 1};
  const PlaneAxis width{.in = 23, .out = 12, .kernel = 3, .stride = 2, .pad = 1};
  for (const Pooling kind : {Pooling::kMax, Pooling::kAverage}) {
    const Pool pool(kind, height, width, std::vector<float>(120, 9.0F));
    std::vector<float> scratch(static_cast<size_t>(pool.scratch_size()));
    pool.run(x.data(), 3, y.data(), scratch.data());
    append(all, y, 3 * 120);
  }
}

std::vector<float> run_all() {
  Numbers numbers;
  std::vector<float> all;
  const PlaneAxis same{.in = 13, .out = 13, .kernel = 3, .pad = 1};
  const PlaneAxis half{.in = 21, .out = 11, .kernel = 3, .stride = 2, .pad = 1};
  const PlaneAxis point{.in = 6, .out = 6};
  run_convolution({.samples = 2, .channels = 5, .out_channels = 33, .y = same, .x = same}, numbers, all);
  run_convolution({.samples = 3, .channels = 7, .out_channels = 7, .groups = 7, .y = same, .x = same}, numbers, all);
  run_convolution({.samples = 1, .channels = 4, .out_channels = 9, .y = half, .x = half}, numbers, all);
  run_convolution({.samples = 2, .channels = 64, .out_channels = 50, .y = point, .x = point}, numbers, all);
  run_functions(numbers, all);
  run_dense_and_pools(numbers, all);
  return all;
}

TEST(InstructionSets, GiveTheSameBits) {
  const std::vector<float> best = run_all();
  for (const int64_t target : {HWY_AVX3, HWY_AVX2, HWY_NEON, HWY_EMU128, HWY_SCALAR}) {
    if ((hwy::SupportedTargets() & HWY_TARGETS & target) == 0) continue;
    hwy::SetSupportedTargetsForTest(target);
    const std::vector<float> other = run_all();
    hwy::SetSupportedTargetsForTest(0);
    ASSERT_EQ(best.size(), other.size());
    for (size_t i = 0; i < best.size(); ++i) {
      ASSERT_EQ(best[i], other[i]) << hwy::TargetName(target) << " differs at " << i;
    }
  }
}

}  // namespace
}  // namespace tinyc::kernels
