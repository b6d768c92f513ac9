#include "tinyc/quant/noise_gains.h"

#include <gtest/gtest.h>

#include "unit/graph_builder.h"

namespace tinyc::testing {
namespace {

std::vector<Sample> samples_of(const Dims& dims, int count) {
  std::vector<Sample> samples;
  for (int i = 0; i < count; ++i) samples.push_back({GraphBuilder::random_tensor(dims, 1.0F, 100 + i)});
  return samples;
}

// A product whose three channels are weighed by 1, 3 and 0 in a sum, which is the output.
Graph weighed_channels() {
  GraphBuilder b;
  const ValueId x = b.input("x", {4, 8});
  const ValueId hidden = b.node("MatMul", {x, b.constant("w", GraphBuilder::random_tensor({8, 3}, 1.0F, 1))});
  return b.finish({b.node("MatMul", {hidden, b.constant("v", {3, 1}, std::vector<float>{1, 3, 0})})});
}

TEST(NoiseGains, ChannelsCountAsTheirReadersWeighThem) {
  const Graph graph = weighed_channels();
  const NoiseGains gains = measure_noise_gains(graph, samples_of({4, 8}, 16), 0, 1);
  const NoiseGain& hidden = gains.at("w");
  ASSERT_EQ(hidden.by_channel.size(), 3U);
  EXPECT_NEAR(hidden.by_channel[1] / hidden.by_channel[0], 9.0, 1e-2);
  EXPECT_LT(hidden.by_channel[2], hidden.by_channel[0]);
  EXPECT_GT(hidden.by_channel[2], 0.0);  // few samples do not prove that it may be anything
}

TEST(NoiseGains, OfTheLastLayerAreSharesOfItsPower) {
  const Graph graph = weighed_channels();
  const NoiseGains gains = measure_noise_gains(graph, samples_of({4, 8}, 16), 0, 1);
  const NoiseGain& last = gains.at("v");
  // All noise arrives, and the mean of the output is near 0.
  EXPECT_NEAR(last.by_channel[0] * last.powers[0], 1.0, 0.1);
  EXPECT_NEAR(last.whole, 1.0, 0.8);
}

TEST(NoiseGains, OfAClassifierAreThoseOfWhatItsSoftmaxReads) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 8});
  const ValueId logits = b.node("MatMul", {x, b.constant("w", GraphBuilder::random_tensor({8, 4}, 1.0F, 1))});
  const Graph graph = b.finish({b.node("Softmax", {logits})});
  EXPECT_EQ(end_values(graph), std::vector<ValueId>{logits});
}

TEST(NoiseGains, AreTheSameForAnyNumberOfThreads) {
  const Graph graph = weighed_channels();
  const auto samples = samples_of({4, 8}, 16);
  EXPECT_EQ(measure_noise_gains(graph, samples, 3, 1).at("w").by_channel,
            measure_noise_gains(graph, samples, 3, 3).at("w").by_channel);
}

}  // namespace
}  // namespace tinyc::testing
