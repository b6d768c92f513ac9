#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tinyc/eval/program.h"
#include "unit/compare_graphs.h"
#include "unit/random_network.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

constexpr int kSamples = 16;

// With per-tensor weights, where uneven channels hurt.
Graph equalized(Graph graph, PassContext& context, bool clamps = false) {
  context.settings.per_channel = false;
  for (uint64_t seed = 0; seed < kSamples; ++seed) context.samples.push_back(random_sample(graph, 100 * seed));
  context.pass = "equalize-weights";
  const PassDef* pass = find_pass("equalize-weights");
  pass->run(graph, pass->parse({{"clamps", clamps}}), context);
  infer_types(graph);
  return graph;
}

Graph equalized(const Graph& graph, bool clamps = false) {
  PassContext context;
  return equalized(graph, context, clamps);
}

// Largest weights along an axis of operand 1 of the node of this number.
std::vector<float> ranges(const Graph& graph, size_t node, size_t axis) {
  const Tensor& weight = *graph[graph.nodes[node].inputs[1]].constant;
  const auto inner = element_count(std::span(weight.dims()).subspan(axis + 1));
  std::vector<float> largest(static_cast<size_t>(weight.dims()[axis]), 0.0F);
  for (int64_t e = 0; e < weight.size(); ++e) {
    float& most = largest[static_cast<size_t>(e / inner % weight.dims()[axis])];
    most = std::max(most, std::abs(weight.data<float>()[static_cast<size_t>(e)]));
  }
  return largest;
}

Tensor uneven(const Dims& dims, size_t axis, uint64_t seed) {
  Tensor weight = GraphBuilder::random_tensor(dims, 1.0F, seed);
  const auto inner = element_count(std::span(dims).subspan(axis + 1));
  for (int64_t e = 0; e < weight.size(); ++e) {
    weight.mutable_data<float>()[static_cast<size_t>(e)] *= std::exp2(static_cast<float>(e / inner % dims[axis]) - 3);
  }
  return weight;
}

TEST(EqualizeWeights, ADepthwiseTripleEndsWithThreeEqualRanges) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 6, 6});
  const ValueId first = b.node("Relu", {b.node("Conv", {x, b.constant("w1", uneven({6, 3, 1, 1}, 0, 1))})});
  const ValueId second =
      b.node("PRelu", {b.node("Conv", {first, b.constant("w2", uneven({6, 1, 3, 3}, 0, 2))}, {{"group", int64_t{6}}}),
                       b.random("slope", {6, 1, 1})});
  const Graph before = b.finish({b.node("Conv", {second, b.constant("w3", uneven({4, 6, 1, 1}, 1, 3))})});
  const Graph after = equalized(before);
  for (size_t c = 0; c < 6; ++c) {
    const float product = ranges(before, 0, 0)[c] * ranges(before, 2, 0)[c] * ranges(before, 4, 1)[c];
    const float wanted = std::cbrt(product);
    EXPECT_NEAR(ranges(after, 0, 0)[c] / wanted, 1.0F, 1e-2F);
    EXPECT_NEAR(ranges(after, 2, 0)[c] / wanted, 1.0F, 1e-2F);
    EXPECT_NEAR(ranges(after, 4, 1)[c] / wanted, 1.0F, 1e-2F);
  }
}

// Activations have one range; the weights that read them lie octaves apart.
Graph uneven_pair() {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 6, 6});
  const std::vector<float> w1{1, 0, 0, 0, 1, 0, 0, 0, 1, -1, 0, 0};
  const ValueId first = b.node("Relu", {b.node("Conv", {x, b.constant("w1", {4, 3, 1, 1}, w1)})});
  return b.finish({b.node("Conv", {first, b.constant("w2", uneven({4, 4, 1, 1}, 1, 3))})});
}

TEST(EqualizeWeights, AChannelWithoutWeightsKeepsItsScale) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 6, 6});
  Tensor w1 = uneven({4, 3, 1, 1}, 0, 1);
  for (size_t i = 0; i < 3; ++i) w1.mutable_data<float>()[i] = 0.0F;
  const ValueId first = b.node("Relu", {b.node("Conv", {x, b.constant("w1", w1), b.random("b1", {4})})});
  const Graph before = b.finish({b.node("Conv", {first, b.constant("w2", uneven({4, 4, 1, 1}, 1, 3))})});
  const Graph after = equalized(before);
  EXPECT_EQ(ranges(after, 2, 1)[0], ranges(before, 2, 1)[0]);
  EXPECT_NE(ranges(after, 2, 1)[1], ranges(before, 2, 1)[1]);
}

TEST(EqualizeWeights, NothingChangesWithoutSamples) {
  Graph graph = uneven_pair();
  PassContext context;
  EXPECT_FALSE(run_pass(graph, "equalize-weights", context));
  EXPECT_EQ(context.notes.size(), 1U);
}

// With a scale for each channel the rows need no help, and the columns get worse.
TEST(EqualizeWeights, AChangeThatDoesNotHelpIsLeftOut) {
  const Graph before = uneven_pair();
  Graph graph = before;
  PassContext context;
  context.settings.per_channel = true;
  for (uint64_t seed = 0; seed < kSamples; ++seed) context.samples.push_back(random_sample(graph, 100 * seed));
  EXPECT_FALSE(run_pass(graph, "equalize-weights", context));
  EXPECT_EQ(context.counters["equalize-weights.layers_left"], 1);
  EXPECT_EQ(ranges(graph, 2, 1), ranges(before, 2, 1));
}

TEST(EqualizeWeights, RandomNetworksComputeTheSame) {
  int changed = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Graph before = RandomNetwork(seed).make();
    const Graph after = equalized(before, seed % 2 == 0);
    const Sample sample = random_sample(before, seed);
    const std::vector<Tensor> expected = run(before, sample), actual = run(after, sample);
    expect_close_outputs(expected, actual);
    changed += actual[0].same_bytes(expected[0]) ? 0 : 1;
  }
  EXPECT_GT(changed, 10);
}

}  // namespace
}  // namespace tinyc::testing
