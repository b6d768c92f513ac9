// Biases beside coded weights: 12 bits in one unit of the layer, as tables of channels store them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/pass/rewrite.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

// By channel: what a device kernel adds, in the channel's own steps.
std::vector<double> folded(const Graph& graph, const Node& node) {
  const auto& input = std::get<QParams>(*graph[operand(node, 0)].quant);
  const Value& weight = graph[operand(node, 1)];
  const auto& params = std::get<QParams>(*weight.quant);
  const auto& bias = std::get<QParams>(*graph[operand(node, 2)].quant);
  std::vector<float> rounded = weight.constant->to_float();
  round_to_grid(rounded, weight.constant->dims(), params);
  const std::vector<float> values = graph[operand(node, 2)].constant->to_float();
  const size_t columns = rounded.size() / values.size();
  const double zero_point = input.zero_points[0] - (input.storage == DataType::kUint8 ? 128 : 0);
  std::vector<double> sums;
  for (size_t o = 0; o < values.size(); ++o) {
    double sum = 0;
    for (size_t c = 0; c < columns; ++c) sum += std::round(double{rounded[o * columns + c]} / double{params.scales[o]});
    sums.push_back(std::round(double{values[o]} / double{bias.scales[o]}) - zero_point * sum);
  }
  return sums;
}

Graph convolution() {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 8, 8});
  return b.finish({b.node("Conv", {x, b.random("w", {8, 3, 3, 3}, 0.3F), b.random("b", {8}, 20.0F)})});
}

TEST(ShortenBiases, TakeTwelveBitsOfTheLayersUnit) {
  const Graph graph = convolution();
  QuantizationSettings settings;
  settings.weight_noise = 0.01F;
  CalibratedContext calibrated(graph, settings);
  calibrated.context.samples = {random_sample(graph, 1), random_sample(graph, 2)};
  Graph quantized = graph;
  run_pass(quantized, "annotate", calibrated.context);
  run_pass(quantized, "price-weights", calibrated.context);
  const Node& node = quantized.nodes[0];
  const std::vector<double> before = folded(quantized, node);
  run_pass(quantized, "shorten-biases", calibrated.context);
  const std::vector<double> after = folded(quantized, node);
  const std::vector<float>& scales = std::get<QParams>(*quantized[operand(node, 2)].quant).scales;
  const float largest_scale = *std::max_element(scales.begin(), scales.end());
  double most = 0;
  for (size_t o = 0; o < before.size(); ++o) most = std::max(most, std::abs(before[o]) * double{scales[o]});
  double unit = double{largest_scale};
  while (most / unit > 2047) unit *= 2;
  for (size_t o = 0; o < before.size(); ++o) {
    const double in_steps = unit / double{scales[o]};
    EXPECT_EQ(in_steps, std::exp2(std::round(std::log2(in_steps)))) << "scales are powers of two of each other";
    EXPECT_EQ(std::fmod(after[o], in_steps), 0) << "channel " << o;
    EXPECT_LE(std::abs(after[o] - before[o]), in_steps / 2) << "channel " << o;
  }
}

TEST(ShortenBiases, LeavesLayersThatAreNotCoded) {
  const Graph graph = convolution();
  CalibratedContext calibrated(graph, QuantizationSettings{});
  Graph quantized = graph;
  run_pass(quantized, "annotate", calibrated.context);
  EXPECT_FALSE(run_pass(quantized, "shorten-biases", calibrated.context));
}

}  // namespace
}  // namespace tinyc::testing
