// Grids of 1 to 8 bits, fitted scales, powers of two, and scales by blocks of inputs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tinyc/base/error.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ir/scale_split.h"
#include "tinyc/quant/fit_scales.h"
#include "tinyc/quant/params.h"
#include "tinyc/quant/weight_blocks.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

using ::testing::ElementsAre;

QuantizationSettings with_bits(int bits) {
  QuantizationSettings settings;
  settings.weight_bits = bits;
  return settings;
}

QParams params_of(const QuantizationSettings& settings, float magnitude = 1.0F) {
  return weight_params(std::array{magnitude}, -1, settings, nullptr);
}

double squared_error(const Tensor& weights, const QParams& params) {
  const Tensor rounded = dequantize(quantize(weights, params), params);
  double sum = 0;
  for (int64_t i = 0; i < weights.size(); ++i) {
    const auto at = static_cast<size_t>(i);
    sum += std::pow(static_cast<double>(weights.data<float>()[at] - rounded.data<float>()[at]), 2);
  }
  return sum;
}

bool is_power_of_two(float scale) {
  int exponent = 0;
  return std::frexp(scale, &exponent) == 0.5F;
}

TEST(WeightFormats, GridsFollowTheBits) {
  for (int bits = 2; bits <= 8; ++bits) {
    const QParams params = params_of(with_bits(bits));
    EXPECT_EQ(params.q_max, (1 << (bits - 1)) - 1);
    EXPECT_EQ(params.q_min, bits == 8 ? -127 : -(1 << (bits - 1)));
    EXPECT_EQ(params.storage, bits <= 4 ? DataType::kInt4 : DataType::kInt8);
    EXPECT_FLOAT_EQ(params.scales[0], 1.0F / static_cast<float>(params.q_max));
  }
  QuantizationSettings ternary = with_bits(2);
  ternary.ternary = true;
  EXPECT_EQ(params_of(ternary).q_min, -1);
  EXPECT_EQ(params_of(ternary).q_max, 1);
}

TEST(WeightFormats, BinaryWeightsHaveNoZero) {
  const QParams params = params_of(with_bits(1), 0.5F);
  const Tensor weights = Tensor::of<float>({6}, std::vector{-3.0F, -0.4F, -0.001F, 0.001F, 0.3F, 2.0F});
  const Tensor stored = quantize(weights, params);
  EXPECT_THAT(stored.to_int64(), ElementsAre(-1, -1, -1, 1, 1, 1));
  std::vector<float> rounded = weights.to_float();
  round_to_grid(rounded, weights.dims(), params);
  EXPECT_EQ(rounded, dequantize(stored, params).to_float());
}

TEST(WeightFormats, FittedScalesAreTheBestOfManyTried) {
  const Tensor weights = GraphBuilder::random_tensor({3, 50}, 0.7F, 5);
  for (const int bits : {1, 2}) {
    QParams params = weight_params(std::vector(3, 0.7F), 0, with_bits(bits), nullptr);
    ASSERT_TRUE(has_few_levels(params));
    fit_scales(weights, with_bits(bits), params);
    const double fitted = squared_error(weights, params);
    for (float scale = 0.02F; scale < 1.0F; scale += 0.02F) {
      QParams other = params;
      other.scales.assign(3, scale);
      EXPECT_LE(fitted, squared_error(weights, other) * (bits == 1 ? 1.0 + 1e-6 : 1.02)) << bits << " " << scale;
    }
  }
}

TEST(WeightFormats, TheBestScaleOfBinaryWeightsIsTheirMeanMagnitude) {
  const Tensor weights = Tensor::of<float>({4}, std::vector{-0.5F, 1.0F, 0.25F, -0.25F});
  QParams params = params_of(with_bits(1));
  fit_scales(weights, with_bits(1), params);
  EXPECT_FLOAT_EQ(params.scales[0], 0.5F);
}

TEST(WeightFormats, PowersOfTwoCoverTheRange) {
  for (const int bits : {2, 4, 8}) {
    QuantizationSettings settings = with_bits(bits);
    settings.power_of_two_scales = true;
    for (const float magnitude : {0.3F, 1.0F, 7.9F}) {
      const QParams params = params_of(settings, magnitude);
      EXPECT_TRUE(is_power_of_two(params.scales[0]));
      EXPECT_GE(params.scales[0] * static_cast<float>(params.q_max), magnitude);
      const QParams activation = activation_params({-magnitude / 3, magnitude}, settings);
      EXPECT_TRUE(is_power_of_two(activation.scales[0]));
      const Tensor ends = Tensor::of<float>({2}, std::vector{-magnitude / 3, magnitude});
      const Tensor rounded = dequantize(quantize(ends, activation), activation);
      EXPECT_NEAR(rounded.data<float>()[0], -magnitude / 3, activation.scales[0]);
      EXPECT_NEAR(rounded.data<float>()[1], magnitude, activation.scales[0]);
    }
  }
  EXPECT_EQ(power_of_two_above(0.25F), 0.25F);
  EXPECT_EQ(power_of_two_above(0.26F), 0.5F);
}

TEST(WeightFormats, ScalesSplitIntoSmallIntegers) {
  const auto split = split_scales(std::array{0.3F, 0.1F, 0.2F, 0.3F}, 15);
  ASSERT_TRUE(split);
  EXPECT_NEAR(split->unit, 0.1, 1e-7);
  EXPECT_THAT(split->factors, ElementsAre(3, 1, 2, 3));
  EXPECT_FALSE(split_scales(std::array{1.0F, 0.9F}, 9));
  EXPECT_TRUE(split_scales(std::array{1.0F, 0.9F}, 10));
}

class BlockTest : public ::testing::TestWithParam<int> {};

TEST_P(BlockTest, ScalesAreSmallMultiplesAndLoseLess) {
  QuantizationSettings settings = with_bits(GetParam());
  settings.weight_block = 16;
  Tensor weights = GraphBuilder::random_tensor({5, 40, 3, 3}, 0.5F, 9);
  for (int64_t i = 0; i < weights.size(); ++i) {  // blocks whose sizes differ
    if (i / 9 % 40 >= 16) weights.mutable_data<float>()[static_cast<size_t>(i)] *= 0.2F;
  }
  const QParams by_channel = weight_params(std::vector(5, 0.5F), 0, settings, nullptr);
  const QParams blocks = block_params(weights, by_channel, block_axis(0, 4), settings);
  ASSERT_EQ(blocks.block, 16);
  ASSERT_EQ(blocks.scales.size(), size_t{5 * 3 * 9});
  EXPECT_NO_THROW(check_params(blocks, weights.dims()));
  EXPECT_LT(squared_error(weights, blocks), 0.7 * squared_error(weights, by_channel));

  const Tensor stored = quantize(weights, blocks);
  int64_t largest = 1;
  for (const int64_t q : stored.to_int64()) largest = std::max(largest, std::abs(q));
  const auto split = split_blocks(blocks, weights.dims(), 0, static_cast<int32_t>(127 / largest));
  ASSERT_TRUE(split);
  const ScaleIndex block_of(blocks, weights.dims());
  const ScaleIndex channel_of(split->params, weights.dims());
  const std::vector<float> real = dequantize(stored, blocks).to_float();
  for (int64_t i = 0; i < weights.size(); ++i) {
    const auto q = stored.to_int64()[static_cast<size_t>(i)] * split->factors[block_of(i)];
    ASSERT_LE(std::abs(q), 127);
    ASSERT_FLOAT_EQ(static_cast<float>(q) * split->params.scales[channel_of(i)], real[static_cast<size_t>(i)]);
    if (i > 500) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Bits, BlockTest, ::testing::Values(1, 2, 3, 4, 5, 6));

TEST(WeightFormats, BlocksOfPowersOfTwo) {
  QuantizationSettings settings = with_bits(4);
  settings.weight_block = 32;
  settings.power_of_two_scales = true;
  const Tensor weights = GraphBuilder::random_tensor({4, 100}, 0.5F, 3);
  const QParams by_channel = weight_params(std::vector(4, 0.5F), 0, settings, nullptr);
  const QParams blocks = block_params(weights, by_channel, block_axis(0, 2), settings);
  ASSERT_EQ(blocks.block, 32);
  for (const float scale : blocks.scales) EXPECT_TRUE(is_power_of_two(scale));
  EXPECT_TRUE(split_blocks(blocks, weights.dims(), 0, 15));
}

TEST(WeightFormats, BlocksOnlyWhereTheyHelp) {
  QuantizationSettings settings = with_bits(4);
  settings.weight_block = 32;
  const Tensor narrow = GraphBuilder::random_tensor({4, 32}, 0.5F, 3);
  const QParams by_channel = weight_params(std::vector(4, 0.5F), 0, settings, nullptr);
  EXPECT_EQ(block_params(narrow, by_channel, 1, settings), by_channel);
  settings.weight_bits = 8;
  const Tensor wide = GraphBuilder::random_tensor({4, 64}, 0.5F, 3);
  EXPECT_EQ(block_params(wide, by_channel, 1, settings), by_channel);
}

TEST(WeightFormats, LayersHaveBitsOfTheirOwn) {
  QuantizationSettings settings;
  settings.layer_bits = {{"Conv0", 4}};
  const Graph graph = quantized(branches(), settings);
  for (const Node& node : graph.nodes) {
    if (node.op->name != "Conv") continue;
    const auto& params = std::get<QParams>(*graph[node.inputs[1]].quant);
    EXPECT_EQ(params.storage, node.name == "Conv0" ? DataType::kInt4 : DataType::kInt8) << node.name;
  }
  settings.layer_bits = {{"Conv00", 4}};
  try {
    quantized(branches(), settings);
    FAIL() << "a name that no node has was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), ::testing::HasSubstr("'Conv00'"));
    EXPECT_THAT(error.hint(), ::testing::HasSubstr("'Conv0'"));
  }
}

}  // namespace
}  // namespace tinyc::testing
