// prune-channels: channels that nobody misses go first and cost nothing, others cost little, and the model that comes
// out is smaller.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "quant/channel_surgeon.h"
#include "tinyc/base/error.h"
#include "unit/compare_graphs.h"
#include "unit/pruned.h"
#include "unit/random_error.h"

namespace tinyc::testing {
namespace {

double least_error(const OutputError& error, const std::vector<int64_t>& without) {
  GroupMask held{error.target.columns, std::vector<uint8_t>(error.target.elements.size(), 0)};
  for (int64_t r = 0; r < error.target.rows; ++r) {
    for (const int64_t c : without) held.held[static_cast<size_t>(r * held.columns + c)] = 1;
  }
  return error_of(error, best_with_zeros(error, held, 1));
}

TEST(ChannelSurgeon, LossesAreThoseOfTheBestWeightsThatAreLeft) {
  const OutputError error = correlated_error(4, 9, 2);
  ChannelSurgeon surgeon(error);
  const double first = least_error(error, {3, 4}), both = least_error(error, {0, 3, 4});
  EXPECT_NEAR(surgeon.loss({3, 4}), first, 1e-9);
  surgeon.remove({3, 4});
  EXPECT_NEAR(surgeon.loss({0}), both - first, 1e-9);
  for (int64_t r = 0; r < 4; ++r) surgeon.drop_row(r);
  EXPECT_EQ(surgeon.loss({0}), 0.0);
}

// A stem, a depthwise layer and a residual sum; `dead` of the 8 channels of the stem never pass the Relu.
Graph small_model(int64_t dead) {
  GraphBuilder b;
  const AttributeList pads{{"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  AttributeList depthwise = pads;
  depthwise["group"] = int64_t{8};
  Tensor b1 = GraphBuilder::random_tensor({8}, 0.1F, 7);
  for (int64_t i = 0; i < dead; ++i) b1.mutable_data<float>()[i] = -50.0F;
  const ValueId x = b.input("x", {1, 3, 8, 8});
  const ValueId stem =
      b.node("Relu", {b.node("Conv", {x, b.random("w1", {8, 3, 3, 3}, 0.3F), b.constant("b1", b1)}, pads)});
  const ValueId moved =
      b.node("Relu", {b.node("Conv", {stem, b.random("w2", {8, 1, 3, 3}, 0.3F), b.random("b2", {8})}, depthwise)});
  const ValueId mixed =
      b.node("Relu", {b.node("Conv", {moved, b.random("w3", {12, 8, 1, 1}, 0.5F), b.random("b3", {12})})});
  const ValueId again = b.node("Conv", {mixed, b.random("w4", {12, 12, 3, 3}, 0.2F), b.random("b4", {12})}, pads);
  const ValueId sum = b.node("Relu", {b.node("Add", {again, mixed})});
  const ValueId flat = b.node("Flatten", {b.node("GlobalAveragePool", {sum})});
  return b.finish(
      {b.node("Gemm", {flat, b.random("w5", {10, 12}, 0.5F), b.random("b5", {10})}, {{"transB", int64_t{1}}})});
}

Pruned prune(const Graph& model, double share, int threads = 2) {
  return prune_with(folded(model), "prune-channels", {{"share", share}}, threads);
}

TEST(PruneChannels, DeadChannelsGoAndNothingChanges) {
  const Pruned pruned = prune(small_model(4), 0.05);
  EXPECT_EQ(pruned.context().counters.count("prune-channels.layers"), 0U) << "nothing was solved for";
  EXPECT_GT(pruned.context().counters.at("prune-channels.channels"), 0);
  const Sample sample = random_sample(pruned.reference, 12345);
  EXPECT_TRUE(run(pruned.graph, sample)[0].same_bytes(run(pruned.reference, sample)[0]));
}

TEST(PruneChannels, OthersMakeUpForWhatGoes) {
  const Pruned pruned = prune(small_model(0), 0.3);
  const auto& counters = pruned.context().counters;
  EXPECT_GE(counters.at("prune-channels.macs"), 3 * counters.at("prune-channels.macs_before") / 10);
  EXPECT_GT(sqnr(pruned.reference, pruned.graph), 5.0);
}

TEST(PruneChannels, ThePackedModelIsSmaller) {
  Pruned pruned = prune(small_model(2), 0.4);
  for (const char* pass : {"annotate", "optimize-rounding", "correct-bias", "pack-constants"}) {
    run_pass(pruned.graph, pass, pruned.calibrated->context);
  }
  const Graph before = pruned.graph;
  run_pass(pruned.graph, "eliminate-constant-channels", pruned.calibrated->context);
  int64_t was = 0, is = 0, held = 0;
  for (const char* name : {"w1", "w2", "w3", "w4", "w5"}) {
    was += constant_named(before, name).size();
    is += constant_named(pruned.graph, name).size();
    const WeightMask& mask = pruned.calibrated->context.masks[name];
    held += std::count(mask.begin(), mask.end(), uint8_t{1});
  }
  EXPECT_GT(held, was / 5);
  EXPECT_EQ(is, was - held);
}

TEST(PruneChannels, IsTheSameForAnyNumberOfThreads) {
  expect_same_constants(prune(small_model(1), 0.3, 1).graph, prune(small_model(1), 0.3, 3).graph);
}

TEST(PruneChannels, WithoutSamplesItComplains) {
  Graph graph = folded(small_model(4));
  CalibratedContext calibrated(graph);
  calibrated.context.samples.clear();
  EXPECT_THROW(run_pass(graph, "prune-channels", calibrated.context), Error);
}

}  // namespace
}  // namespace tinyc::testing
