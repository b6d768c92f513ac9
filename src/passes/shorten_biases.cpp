// shorten-biases: rounds the biases of layers whose weights are coded to 12 bits, so that they are stored in as many.
//
// Problem: where weights take one to three bits, the 8 bytes of bias and multiplier that kernels read of each channel
// are a third of a small model. Multipliers of such layers are few different ones (passes/price_weights.cpp), biases
// are not. Method: device kernels add  s = b - z sum(q), with the zero point z of the input and the weights q. In each
// layer s is rounded to multiples of a unit, and b follows: the least unit, of the layer's largest scale times a power
// of two, with which all channels fit 12 bits. In the finer steps of a channel with a smaller scale, where that is the
// largest over a power of two, the unit is a power of two as well. The error is at most 1/2047 of the layer's largest
// bias or half its largest step. Cost: one walk over the weights.
#include <algorithm>
#include <cmath>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/weight_axes.h"

namespace tinyc {
namespace {

constexpr double kMostCode = 2047;

// By output: the sum of the integers of the weights.
std::vector<double> sums_of(const Value& weight, const WeightAxes& axes) {
  const auto& params = std::get<QParams>(*weight.quant);
  std::vector<float> rounded = weight.constant->to_float();
  round_to_grid(rounded, weight.constant->dims(), params);
  const ScaleIndex scale_of(params, weight.constant->dims());
  std::vector<double> sums(static_cast<size_t>(axes.outputs()), 0.0);
  for (size_t i = 0; i < rounded.size(); ++i) {
    const auto element = static_cast<int64_t>(i);
    sums[static_cast<size_t>(axes.output_of(element))] +=
        std::round(static_cast<double>(rounded[i]) / static_cast<double>(params.scales[scale_of(element)]));
  }
  return sums;
}

// The input's zero point as int8 kernels see it.
double zero_point_of(const QParams& input) {
  return input.zero_points[0] - (input.storage == DataType::kUint8 ? 128 : 0);
}

// True when the node is a layer with a bias to shorten, and it was.
bool shorten(Graph& graph, const Node& node) {
  const Tensor* weight = plain_constant(graph, node, 1);
  const ValueId bias = operand(node, node.op->quant.bias);
  const QParams *input = linear_params(graph, operand(node, 0)), *params = linear_params(graph, bias);
  if (weight == nullptr || input == nullptr || params == nullptr || plain_constant(graph, bias) == nullptr)
    return false;
  const std::optional<WeightAxes> axes = weight_axes(node, weight->dims());
  if (!axes || linear_params(graph, operand(node, 1)) == nullptr) return false;
  std::vector<float> values = graph[bias].constant->to_float();
  if (static_cast<int64_t>(values.size()) != axes->outputs()) return false;
  const std::vector<double> sums = sums_of(graph[operand(node, 1)], *axes);
  const auto scale_of = [&](size_t o) {
    return static_cast<double>(params->scales[params->scales.size() == 1 ? 0 : o]);
  };
  std::vector<double> folded;
  double unit = 0, most = 0;
  for (size_t o = 0; o < values.size(); ++o) {
    const double steps = std::round(static_cast<double>(values[o]) / scale_of(o));
    folded.push_back(steps - zero_point_of(*input) * sums[o]);
    unit = std::max(unit, scale_of(o));
    most = std::max(most, std::abs(folded.back()) * scale_of(o));
  }
  while (most / unit > kMostCode) unit *= 2;
  for (size_t o = 0; o < values.size(); ++o) {
    const double in_steps = std::exp2(std::round(std::log2(unit / scale_of(o))));
    const double steps = std::round(folded[o] / in_steps) * in_steps + zero_point_of(*input) * sums[o];
    values[o] = static_cast<float>(steps * scale_of(o));
  }
  graph[bias].constant = Tensor::of<float>(graph[bias].constant->dims(), values);
  return true;
}

bool run(Graph& graph, PassContext& context) {
  bool changed = false;
  for (const Node& node : graph.nodes) {
    if (node.op == nullptr || node.op->quant.bias < 0) continue;
    if (settings_of_layer(context.settings, node.name).weight_noise <= 0 || !shorten(graph, node)) continue;
    context.count("layers");
    changed = true;
  }
  return changed;
}

}  // namespace

extern constexpr PassDef k_shorten_biases =
    make_pass<run>("shorten-biases", "round biases beside coded weights to 12 bits", Contract::kLossy, Stage::kRepair);

}  // namespace tinyc
