#include <gtest/gtest.h>

#include <cmath>

#include "tinyc/eval/program.h"
#include "tinyc/pass/trial.h"
#include "tinyc/quant/channel_noise.h"
#include "unit/random_network.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

constexpr uint64_t kSamples = 32;

void give_samples(const Graph& graph, PassContext& context) {
  for (uint64_t seed = 0; seed < kSamples; ++seed) context.samples.push_back(random_sample(graph, 100 * seed));
}

// A projection behind a normalization whose gains lie decades apart.
Graph normalized_projection() {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 8, 16});
  std::vector<float> gain(16, 0.1F);
  gain[3] = 10.0F;
  const ValueId normalized =
      b.node("LayerNormalization", {x, b.constant("gain", {16}, gain), b.random("offset", {16}, 0.05F)});
  return b.finish({b.node("MatMul", {normalized, b.random("w", {16, 12}, 0.5F)})});
}

TEST(MigrateScales, HelpsBehindANormalizationWithUnevenGains) {
  const Graph before = normalized_projection();
  Graph after = before;
  PassContext context;
  give_samples(before, context);
  EXPECT_TRUE(run_pass(after, "migrate-scales", context));
  EXPECT_EQ(context.counters["migrate-scales.layers"], 1);
  const QuantizationTrial trial(before, context);
  EXPECT_LT(trial.error(after), trial.error(before) - 0.5);  // more than 2 dB
}

TEST(MigrateScales, NothingChangesWithoutSamples) {
  Graph graph = normalized_projection();
  PassContext context;
  EXPECT_FALSE(run_pass(graph, "migrate-scales", context));
}

TEST(MigrateScales, RandomNetworksComputeTheSameForAnyThreads) {
  int changed = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Graph before = RandomNetwork(seed).make();
    std::vector<Tensor> results[2];
    for (const int threads : {1, 3}) {
      Graph after = before;
      PassContext context;
      context.threads = threads;
      context.settings.per_channel = seed % 2 == 0;
      give_samples(before, context);
      changed += run_pass(after, "migrate-scales", context) ? 1 : 0;
      Workspace workspace;
      results[threads / 2] = Program(after).run(random_sample(before, seed), workspace);
    }
    Workspace workspace;
    const std::vector<Tensor> expected = Program(before).run(random_sample(before, seed), workspace);
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(results[0][i].same_bytes(results[1][i]));
      const auto a = expected[i].data<float>(), b = results[0][i].data<float>();
      float largest = 0.0F;
      for (const float value : a) largest = std::max(largest, std::abs(value));
      for (size_t k = 0; k < a.size(); ++k) ASSERT_NEAR(b[k], a[k], 1e-4F * largest) << "output " << i;
    }
  }
  EXPECT_GT(changed, 8);
}

// The model of noise against what the simulated engine makes of the same layer.
TEST(ChannelNoise, PredictsTheNoiseOfALayer) {
  const Graph graph = normalized_projection();
  PassContext context;
  give_samples(graph, context);
  context.settings.observer = "minmax";
  const FreeChannels channels = find_free_channels(graph, false);
  const ChannelNoise noise(graph, channels, context.settings, context.samples, 1);
  std::vector<double> factors(static_cast<size_t>(channels.count), 1.0);
  double predicted = 0;
  for (size_t i = 0; i < channels.operands.size(); ++i) {
    if (channels.operands[i].is_weight) predicted += noise.at(i, factors);
  }
  const double measured = std::exp(QuantizationTrial(graph, context).error(graph));
  EXPECT_LT(predicted, 2.5 * measured);
  EXPECT_GT(predicted, 0.4 * measured);
}

}  // namespace
}  // namespace tinyc::testing
