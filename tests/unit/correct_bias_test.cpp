#include <gtest/gtest.h>

#include <cmath>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/quant/channel_fit.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

std::vector<Sample> samples_of(const Graph& graph, uint64_t first, size_t count) {
  std::vector<Sample> samples;
  for (size_t i = 0; i < count; ++i) {
    Sample sample = random_sample(graph, first + 10 * i);
    for (Tensor& tensor : sample) {  // not around 0: the mean of the input is what carries the weights' error
      std::vector<float> values = tensor.to_float();
      for (float& x : values) x += 1.5F;
      tensor = Tensor::of<float>(tensor.dims(), values);
    }
    samples.push_back(std::move(sample));
  }
  return samples;
}

// Annotated for weights of few bits, with 24 samples.
struct Subject {
  explicit Subject(const Graph& graph, int weight_bits = 3, bool per_channel = true)
      : reference(graph), calibrated(graph, settings_of(weight_bits, per_channel)), quantized(graph) {
    calibrated.context.samples = samples_of(graph, 1000, 24);
    run_pass(quantized, "annotate", calibrated.context);
    before = quantized;
  }
  static QuantizationSettings settings_of(int weight_bits, bool per_channel) {
    QuantizationSettings settings;
    settings.weight_bits = weight_bits;
    settings.per_channel = per_channel;
    return settings;
  }
  void correct() { run_pass(quantized, "correct-bias", calibrated.context); }
  int64_t count(const std::string& what) {
    const auto found = calibrated.context.counters.find("correct-bias." + what);
    return found == calibrated.context.counters.end() ? 0 : found->second;
  }

  Graph reference;
  CalibratedContext calibrated;
  Graph quantized, before;
};

// Sums of the last node's raw output, with everything else in float, over samples that the correction has not seen.
std::vector<ChannelSums> sums_of_output(const Graph& reference, const Graph& graph, int axis) {
  const std::vector<Sample> samples = samples_of(reference, 5, 40);
  LayerwiseRun exact(reference, Engine::kFloat, samples, 1), rounded(graph, Engine::kSimulated, samples, 1);
  std::vector<ChannelSums> sums;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto wanted = exact.compute(reference, NodeId(i)), now = rounded.compute(graph, NodeId(i));
    if (i + 1 == graph.nodes.size()) {
      for (size_t s = 0; s < samples.size(); ++s) add_channels(sums, wanted[s][0], now[s][0], axis);
    }
    exact.step(reference, NodeId(i));
    rounded.step(graph, NodeId(i));
  }
  return sums;
}

double error(const std::vector<ChannelSums>& sums) {
  return error_of(sums, std::vector<ChannelMap>(sums.size()));
}

double largest_shift(const std::vector<ChannelSums>& sums) {
  double largest = 0;
  for (const ChannelSums& sum : sums) largest = std::max(largest, std::abs(sum.wanted - sum.now) / sum.count);
  return largest;
}

// The error falls, and next to nothing of the shift is left.
void expect_corrected(Subject& subject, int axis) {
  const auto before = sums_of_output(subject.reference, subject.before, axis);
  subject.correct();
  const auto after = sums_of_output(subject.reference, subject.quantized, axis);
  EXPECT_EQ(subject.count("layers"), 1);
  EXPECT_LT(error(after), 0.9 * error(before));
  EXPECT_LT(largest_shift(after), 0.35 * largest_shift(before));
}

Graph one_layer(const std::string& op, const Shape& input, const Dims& weight, const std::vector<float>& bias,
                const AttributeList& attributes = {}) {
  GraphBuilder b;
  std::vector<ValueId> operands = {b.input("x", input), b.random("w", weight, 0.4F)};
  if (!bias.empty()) operands.push_back(b.constant("b", {static_cast<int64_t>(bias.size())}, bias));
  return b.finish({b.node(op, operands, attributes)});
}

const AttributeList kPads{{"pads", std::vector<int64_t>{1, 1, 1, 1}}};

AttributeList with_groups(int64_t groups) {
  AttributeList attributes = kPads;
  attributes["group"] = groups;
  return attributes;
}

TEST(CorrectBias, OfALayerThatHasNone) {
  Subject subject(one_layer("Conv", {1, 3, 6, 6}, {4, 3, 3, 3}, {}, kPads));
  expect_corrected(subject, 1);
  EXPECT_EQ(subject.quantized.nodes[0].inputs.size(), 3U);
}

TEST(CorrectBias, OfABiasThatIsZero) {
  Subject subject(one_layer("Conv", {1, 3, 6, 6}, {4, 3, 3, 3}, {0, 0, 0, 0}, kPads));
  expect_corrected(subject, 1);
}

TEST(CorrectBias, OfABiasThatHoldsZeros) {
  Subject subject(one_layer("Conv", {1, 3, 6, 6}, {4, 3, 3, 3}, {0, 1, 0, -2}, kPads));
  expect_corrected(subject, 1);
}

TEST(CorrectBias, PerTensor) {
  Subject subject(one_layer("Conv", {1, 3, 6, 6}, {4, 3, 3, 3}, {}, kPads), 3, false);
  expect_corrected(subject, 1);
  EXPECT_EQ(subject.count("gains"), 0);
}

TEST(CorrectBias, OfGroups) {
  Subject subject(one_layer("Conv", {1, 4, 6, 6}, {6, 2, 3, 3}, {}, with_groups(2)));
  expect_corrected(subject, 1);
}

TEST(CorrectBias, OfADepthwiseLayer) {
  Subject subject(one_layer("Conv", {1, 6, 6, 6}, {6, 1, 3, 3}, {0, 0, 1, 1, 2, 2}, with_groups(6)));
  expect_corrected(subject, 1);
}

TEST(CorrectBias, OfATransposedConvolution) {
  Subject plain(one_layer("ConvTranspose", {1, 3, 5, 5}, {3, 4, 3, 3}, {}));
  expect_corrected(plain, 1);
  Subject grouped(one_layer("ConvTranspose", {1, 4, 5, 5}, {4, 2, 3, 3}, {}, {{"group", int64_t{2}}}));
  expect_corrected(grouped, 1);
}

TEST(CorrectBias, OfAConvolutionOverTime) {
  Subject subject(one_layer("Conv", {1, 3, 12}, {4, 3, 3}, {}));
  expect_corrected(subject, 1);
}

TEST(CorrectBias, OfGemm) {
  Subject subject(one_layer("Gemm", {1, 12}, {12, 5}, {}));
  expect_corrected(subject, 1);
}

TEST(CorrectBias, OfAProductGoesToTheSumBehindIt) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 7, 12});
  const ValueId product = b.node("MatMul", {x, b.random("w", {12, 5}, 0.4F)});
  Subject subject(b.finish({b.node("Add", {b.constant("addend", {5}, {0, 1, -1, 2, 0}), product})}));
  expect_corrected(subject, 2);
}

TEST(CorrectBias, OfAProductAloneIsLeftWithTheReason) {
  Subject subject(one_layer("MatMul", {1, 7, 12}, {12, 5}, {}));
  subject.correct();
  EXPECT_EQ(subject.count("layers"), 0);
  EXPECT_NE(subject.calibrated.context.notes.back().text.find("no Add"), std::string::npos);
}

TEST(CorrectBias, ScalesChannelsThatShrank) {
  Subject subject(one_layer("Conv", {1, 3, 6, 6}, {4, 3, 3, 3}, {}, kPads), 2);
  const Tensor codes = quantize(*subject.quantized[subject.quantized.nodes[0].inputs[1]].constant,
                                std::get<QParams>(*subject.quantized[subject.quantized.nodes[0].inputs[1]].quant));
  subject.correct();
  EXPECT_EQ(subject.count("gains"), 1);
  const Value& weight = subject.quantized[subject.quantized.nodes[0].inputs[1]];
  EXPECT_TRUE(quantize(*weight.constant, std::get<QParams>(*weight.quant)).same_bytes(codes));
  const auto& bias = std::get<QParams>(*subject.quantized[subject.quantized.nodes[0].inputs[2]].quant);
  const float input_scale = std::get<QParams>(*subject.quantized[subject.quantized.inputs[0]].quant).scales[0];
  EXPECT_EQ(bias.scales[1], input_scale * std::get<QParams>(*weight.quant).scales[1]);
}

TEST(CorrectBias, LeavesScalesThatMustStayAsTheyAre) {
  const Graph layer = one_layer("Conv", {1, 3, 6, 6}, {4, 3, 3, 3}, {}, kPads);
  for (const bool coded : {false, true}) {
    Subject subject(layer, 2);
    QuantizationSettings& settings = subject.calibrated.context.settings;
    coded ? settings.weight_noise = 0.01 : settings.power_of_two_scales = true;
    subject.correct();
    EXPECT_EQ(subject.count("gains"), 0);
    EXPECT_EQ(subject.count("layers"), 1);
  }
}

TEST(CorrectBias, LeavesALayerThatIsExact) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2});
  Subject subject(b.finish({b.node("Gemm", {x, b.constant("w", {2, 2}, std::vector<float>(4, 0.0F))})}), 8);
  subject.correct();
  EXPECT_EQ(subject.count("layers"), 0);
}

// What the last layer, a padded depthwise one, makes of a map of one number; with its constants rounded or not.
Tensor last_layer_on(float number, const Graph& graph, bool rounded) {
  GraphBuilder b;
  const Node& node = graph.nodes.back();
  std::vector<ValueId> operands = {b.input("x", {1, 6, 8, 8})};
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    const Value& value = graph[node.inputs[i]];
    Tensor tensor = *value.constant;
    if (rounded) {
      const auto& params = std::get<QParams>(*value.quant);
      tensor = dequantize(quantize(tensor, params), params);
    }
    operands.push_back(b.constant(value.name, tensor));
  }
  const Graph layer = b.finish({b.node("Conv", operands, with_groups(6))});
  Workspace workspace;
  return Program(layer).run(std::array{Tensor::of<float>({1, 6, 8, 8}, std::vector<float>(384, number))}, workspace)[0];
}

TEST(CorrectBias, WithoutDataTakesTheMomentsOfBatchNormalization) {
  GraphBuilder b;
  const auto vector = [&](const std::string& name, float value) {
    return b.constant(name, {6}, std::vector<float>(6, value));
  };
  const ValueId first = b.node("Conv", {b.input("x", {1, 3, 8, 8}), b.random("w1", {6, 3, 3, 3}, 0.3F)}, kPads);
  const ValueId normalized = b.node("BatchNormalization", {first, vector("gamma", -0.5F), vector("beta", 2.0F),
                                                           vector("mean", 0.0F), vector("variance", 1.0F)});
  const ValueId relu = b.node("Relu", {normalized});
  const Graph graph = folded(b.finish({b.node("Conv", {relu, b.random("w2", {6, 1, 3, 3}, 0.4F)}, with_groups(6))}));
  Subject subject(graph);
  subject.calibrated.context.samples.clear();
  subject.correct();
  EXPECT_EQ(subject.count("layers"), 0) << "nothing is known about the activations";

  subject.calibrated.context.moments[graph[graph.nodes[0].outputs[0]].name] = {std::vector<double>(6, 2.0),
                                                                               std::vector<double>(6, 0.5)};
  subject.correct();
  EXPECT_EQ(subject.count("layers"), 2);
  const Tensor expected = last_layer_on(2.0F, graph, false);
  const auto shift = [&](const Graph& now) {
    std::vector<ChannelSums> sums;
    add_channels(sums, expected, last_layer_on(2.0F, now, true), 1);
    return largest_shift(sums);
  };
  EXPECT_LT(shift(subject.quantized), 0.1 * shift(subject.before));
}

}  // namespace
}  // namespace tinyc::testing
