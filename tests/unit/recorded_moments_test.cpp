// Statistics of activations from what BatchNormalization recorded.
#include <gtest/gtest.h>

#include <cmath>

#include "tinyc/quant/dataset.h"
#include "tinyc/quant/recorded_run.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

struct Measured {
  double mean = 0, deviation = 0;
};

Measured measure(const std::vector<double>& values) {
  Measured result;
  for (const double x : values) result.mean += x / static_cast<double>(values.size());
  for (const double x : values) result.deviation += (x - result.mean) * (x - result.mean);
  result.deviation = std::sqrt(result.deviation / static_cast<double>(values.size()));
  return result;
}

// Conv, BatchNormalization, Relu, depthwise Conv, BatchNormalization with a negative and a zero gamma.
Graph normalized_network() {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2, 6, 6});
  const auto normalize = [&](ValueId value, const std::string& name, const std::vector<float>& gamma,
                             const std::vector<float>& beta) {
    return b.node("BatchNormalization",
                  {value, b.constant(name + "_gamma", {4}, gamma), b.constant(name + "_beta", {4}, beta),
                   b.random(name + "_mean", {4}), b.constant(name + "_variance", {4}, std::vector<float>(4, 2.0F))});
  };
  const AttributeList pads{{"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  const ValueId first = normalize(b.node("Conv", {x, b.random("w1", {4, 2, 3, 3}), b.random("b1", {4})}, pads), "first",
                                  {1.0F, -0.5F, 2.0F, 0.1F}, {0.0F, 1.0F, -1.0F, 3.0F});
  AttributeList depthwise = pads;
  depthwise["group"] = int64_t{4};
  return b.finish({normalize(b.node("Conv", {b.node("Relu", {first}), b.random("w2", {4, 1, 3, 3})}, depthwise),
                             "second", {0.3F, 0.0F, -3.0F, 1.0F}, {5.0F, 0.25F, 0.0F, -1.0F})});
}

TEST(RecordedMoments, FoldingABatchNormalizationRecordsThem) {
  Graph graph = normalized_network();
  PassContext context;
  run_pass(graph, "fold-batchnorm", context);
  ASSERT_EQ(context.moments.size(), 2U);
  const ChannelMoments& first = context.moments.at(graph[graph.nodes[0].outputs[0]].name);
  EXPECT_EQ(first.mean[1], 1.0);
  EXPECT_EQ(first.deviation[1], 0.5);
  EXPECT_EQ(context.moments.at(graph[graph.outputs[0]].name).deviation[1], 0.0);
}

// Of channel `channel` of a value over all samples.
Measured measure(const RecordedRun& run, ValueId id, size_t channel) {
  std::vector<double> values;
  for (size_t s = 0; s < run.sample_count(); ++s) {
    const Tensor& tensor = run.value(s, id);
    const size_t inner = static_cast<size_t>(tensor.size()) / 4;
    for (size_t k = 0; k < inner; ++k) {
      values.push_back(static_cast<double>(tensor.data<float>()[channel * inner + k]));
    }
  }
  return measure(values);
}

std::vector<Sample> eight_samples(const Graph& graph) {
  std::vector<Sample> samples;
  for (uint64_t seed = 0; seed < 8; ++seed) samples.push_back(random_sample(graph, 100 * seed));
  return samples;
}

TEST(RecordedMoments, ARecordedRunHasThem) {
  Graph graph = normalized_network();
  PassContext context;
  run_pass(graph, "fold-batchnorm", context);
  const std::vector<Sample> samples = eight_samples(graph);
  RecordedRun run(graph, context.moments, samples, 2);
  size_t known = 0;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    run.step(NodeId(i));
    const ValueId output = graph.nodes[i].outputs[0];
    const auto wanted = context.moments.find(graph[output].name);
    if (wanted == context.moments.end()) continue;
    ++known;
    for (size_t channel = 0; channel < 4; ++channel) {
      SCOPED_TRACE(graph.nodes[i].name + ", channel " + std::to_string(channel));
      EXPECT_NEAR(measure(run, output, channel).mean, wanted->second.mean[channel], 1e-4);
      EXPECT_NEAR(measure(run, output, channel).deviation, wanted->second.deviation[channel], 1e-4);
    }
  }
  EXPECT_EQ(known, 2U);
}

TEST(RecordedMoments, MeansOverAllPositionsKeepTheDeviationOfThePositions) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 4, 6, 6});
  const Graph graph = b.finish({b.node("GlobalAveragePool", {b.node("Relu", {x})})});
  const std::vector<Sample> samples = eight_samples(graph);
  RecordedRun run(graph, {}, samples, 1);
  run.step(NodeId(0));
  const Measured positions = measure(run, graph.nodes[0].outputs[0], 1);
  run.step(NodeId(1));
  const Measured means = measure(run, graph.outputs[0], 1);
  EXPECT_NEAR(means.mean, positions.mean, 1e-5);
  EXPECT_NEAR(means.deviation, positions.deviation, 1e-5);
}

TEST(RecordedMoments, StatisticsAreThoseOfTheRun) {
  Graph graph = normalized_network();
  PassContext context;
  run_pass(graph, "fold-batchnorm", context);
  const std::vector<Sample> samples = eight_samples(graph);
  const std::vector<ValueId> observed = {graph.inputs[0], graph.outputs[0]};
  const Statistics one = observe_recorded(graph, context.moments, samples, observed, 1);
  EXPECT_EQ(one, observe_recorded(graph, context.moments, samples, observed, 3));
  EXPECT_TRUE(one.synthetic);
  EXPECT_EQ(one.values.size(), 2U);
  const ValueStatistics* output = one.find(graph[graph.outputs[0]].name);
  ASSERT_NE(output, nullptr);
  EXPECT_EQ(output->recent.size(), 8U);
  EXPECT_GT(output->histogram.max(), 5.0F);   // channel 0 has mean 5
  EXPECT_LT(output->histogram.min(), -3.0F);  // channel 2 has deviation 3
}

// The moments that the layer's output would have, and from them the input's back.
TEST(RecordedMoments, TheSizeOfInputsIsFoundFromTheFirstLayer) {
  GraphBuilder b;
  const Tensor weight = GraphBuilder::random_tensor({16, 3, 3, 3}, 0.5F, 5),
               bias = GraphBuilder::random_tensor({16}, 1, 6);
  const ValueId x = b.input("x", {1, 3, 8, 8});
  const Graph graph = b.finish({b.node("Conv", {x, b.constant("w", weight), b.constant("b", bias)})});
  const InputMoments truth{.mean = 120.0, .own = 20.0, .common = 55.0};
  ChannelMoments moments;
  for (size_t o = 0; o < 16; ++o) {
    double sum = 0, square = 0;
    for (size_t i = 0; i < 27; ++i) {
      const double w = static_cast<double>(weight.data<float>()[27 * o + i]);
      sum += w;
      square += w * w;
    }
    moments.mean.push_back(static_cast<double>(bias.data<float>()[o]) + truth.mean * sum);
    moments.deviation.push_back(std::sqrt(truth.own * truth.own * square + truth.common * truth.common * sum * sum));
  }
  const std::vector<InputMoments> found = fit_inputs(graph, {{graph[graph.outputs[0]].name, moments}});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found[0].mean, truth.mean, 1e-6);
  EXPECT_NEAR(found[0].own, truth.own, 1e-6);
  EXPECT_NEAR(found[0].common, truth.common, 1e-6);
}

// Without a record the layer's output is taken for what BatchNormalization starts from: mean 0, deviation 1.
TEST(RecordedMoments, ALayerWithoutThemIsTakenForNormalized) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 1, 1, 2});
  const Graph graph = b.finish(
      {b.node("Conv", {x, b.constant("w", {2, 1, 1, 1}, {0.01F, -0.01F}), b.constant("b", {2}, {-1.2F, 1.2F})})});
  const std::vector<InputMoments> found = fit_inputs(graph, {});
  EXPECT_NEAR(found[0].mean, 120.0, 1e-3);
  EXPECT_NEAR(std::hypot(found[0].own, found[0].common), 100.0, 1e-3);
}

TEST(RecordedMoments, GeneratedInputsHaveThem) {
  SyntheticOptions options;
  options.samples = 400;
  options.inputs = {{.mean = 10.0, .own = 3.0, .common = 4.0}};
  Dataset data = Dataset::synthetic({{"x", {DataType::kFloat, {1, 3, 8, 8}}}}, options);
  std::vector<double> all, within;
  for (Batch batch = data.next(1); batch.size > 0; batch = data.next(1)) {
    std::vector<double> sample;
    for (const float value : batch.inputs[0].data<float>()) sample.push_back(static_cast<double>(value));
    within.push_back(measure(sample).deviation);
    all.insert(all.end(), sample.begin(), sample.end());
  }
  EXPECT_NEAR(measure(all).mean, 10.0, 0.5);
  EXPECT_NEAR(measure(all).deviation, 5.0, 0.3);
  EXPECT_NEAR(measure(within).mean, 3.0, 0.1);
}

}  // namespace
}  // namespace tinyc::testing
