#include "tinyc/driver/measure.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tinyc/base/error.h"
#include "tinyc/driver/sensitivity.h"
#include "unit/graph_builder.h"

namespace tinyc {
namespace {

using testing::GraphBuilder;

// x -> MatMul -> h -> MatMul -> y, weights random.
Graph two_layers(uint64_t batch_known = 0) {
  GraphBuilder b;
  const Dim batch = batch_known > 0 ? Dim(static_cast<int64_t>(batch_known)) : Dim("N");
  const ValueId x = b.input("x", {batch, 8});
  const ValueId h = b.node("MatMul", {x, b.random("w", {8, 8})});
  return b.finish({b.node("MatMul", {h, b.random("v", {8, 3})})});
}

QParams grid(float scale) {
  QParams params;
  params.scales = {scale};
  params.zero_points = {0};
  return params;
}

void quantize_value(Graph& graph, const std::string& name, float scale) {
  for (Value& value : graph.values) {
    if (value.name == name) value.quant = grid(scale);
  }
}

Dataset noise(const Graph& graph, int64_t samples) {
  return Dataset::synthetic(model_inputs(graph), {.seed = 5, .samples = samples});
}

TEST(Compare, FindsNothingBetweenEqualModels) {
  const Graph graph = two_layers();
  Dataset data = noise(graph, 21);
  const Comparison comparison = compare(graph, graph, data, {.layers = true});
  EXPECT_EQ(comparison.samples, 21);
  ASSERT_EQ(comparison.outputs.size(), 1U);
  EXPECT_EQ(comparison.outputs[0].error.noise, 0.0);
  EXPECT_EQ(comparison.outputs[0].error.count, 21 * 3);
  ASSERT_EQ(comparison.layers.size(), 2U);
  EXPECT_EQ(comparison.layers[0].error.count, 21 * 8);
  EXPECT_EQ(comparison.top1_agreement, 100.0);
  EXPECT_FALSE(comparison.top1.has_value());
}

TEST(Compare, GivesTheSameBitsForAnyThreadsAndWithoutBatches) {
  const Graph graph = two_layers();
  Graph coarse = graph;
  quantize_value(coarse, "x", 0.25F);
  Dataset data = noise(graph, 70);
  const Comparison one = compare(graph, coarse, data, {.layers = true, .threads = 1});
  const Comparison seven = compare(graph, coarse, data, {.layers = true, .threads = 7});
  EXPECT_EQ(one.outputs[0].error.noise, seven.outputs[0].error.noise);
  EXPECT_EQ(one.layers[0].error.noise, seven.layers[0].error.noise);
  EXPECT_EQ(one.top1_agreement, seven.top1_agreement);
  EXPECT_GT(one.outputs[0].error.noise, 0.0);
  EXPECT_LT(one.outputs[0].error.sqnr_db(), 40.0);

  const Graph single = two_layers(1);
  Graph single_coarse = single;
  quantize_value(single_coarse, "x", 0.25F);
  Dataset again = noise(single, 70);
  const Comparison alone = compare(single, single_coarse, again, {.threads = 1});
  EXPECT_NEAR(alone.outputs[0].error.noise, one.outputs[0].error.noise, 1e-9 * one.outputs[0].error.noise);
}

TEST(Compare, CountsStepsOfTheGridOfAnOutput) {
  Graph graph = two_layers();
  Dataset data = noise(graph, 40);
  EXPECT_TRUE(compare(graph, graph, data, {}).outputs[0].steps.empty());
  graph[graph.outputs[0]].quant = grid(0.01F);
  const Comparison same = compare(graph, graph, data, {});
  ASSERT_EQ(same.outputs[0].steps.size(), kMostSteps + 1);
  EXPECT_EQ(same.outputs[0].steps[0], 40 * 3);
  Graph moved = graph;
  quantize_value(moved, "x", 0.25F);
  const std::vector<int64_t> steps = compare(graph, moved, data, {}).outputs[0].steps;
  EXPECT_EQ(std::accumulate(steps.begin(), steps.end(), int64_t{0}), 40 * 3);
  EXPECT_LT(steps[0], 40 * 3);
}

TEST(Compare, RefusesModelsThatDoNotMatch) {
  const Graph graph = two_layers();
  GraphBuilder b;
  const Graph other = b.finish({b.node("Relu", {b.input("z", {Dim("N"), 8})})});
  Dataset data = noise(graph, 4);
  EXPECT_THROW(compare(graph, other, data, {}), Error);
}

TEST(Evaluate, IsIndependentOfThreads) {
  GraphBuilder b;
  const ValueId x = b.input("x", {Dim("N"), 8});
  const Graph graph = b.finish({b.node("MatMul", {x, b.random("w", {8, 8})})});
  Dataset data = noise(graph, 100);
  const Program program(graph);
  const Evaluation one = evaluate(program, data, "mse", 1);
  const Evaluation five = evaluate(program, data, "mse", 5);
  EXPECT_EQ(one.samples, 100);
  EXPECT_EQ(one.value, five.value);
  EXPECT_GT(one.value, 0.0);
  EXPECT_THROW(evaluate(program, data, "top1", 1), Error);
}

TEST(Sensitivity, RanksTheCoarseLayerFirst) {
  Graph graph = two_layers();
  quantize_value(graph, "w", 0.01F);
  quantize_value(graph, "v", 0.3F);
  Dataset data = noise(graph, 16);
  const Sensitivity result = measure_sensitivity(graph, data, 1);
  ASSERT_EQ(result.layers.size(), 2U);
  EXPECT_EQ(result.layers[0].layer, "MatMul1");
  EXPECT_LT(result.layers[0].error.sqnr_db() + 20, result.layers[1].error.sqnr_db());
  EXPECT_EQ(result.samples, 16);
  const Sensitivity all_processors = measure_sensitivity(graph, data, 0);
  EXPECT_EQ(all_processors.layers[0].error.noise, result.layers[0].error.noise);
}

}  // namespace
}  // namespace tinyc
