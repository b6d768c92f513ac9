#include "tinyc/quant/bias.h"

#include <algorithm>

#include "tinyc/ops/op.h"
#include "tinyc/quant/params.h"

namespace tinyc {
namespace {

ValueId operand_of(const Node& node, int idx) {
  return idx >= 0 && idx < static_cast<int>(node.inputs.size()) ? node.inputs[static_cast<size_t>(idx)] : kNoValue;
}

// Gemm's alpha and beta scale product and bias; fold-gemm-scalars has folded what can be folded.
bool scalars_are_one(const Node& node) {
  const auto& attrs = node.op->attributes;
  return std::none_of(attrs.begin(), attrs.end(), [&](const AttributeDef& def) {
    return (def.name == "alpha" || def.name == "beta") && float_attr(node, def.name) != 1.0F;
  });
}

}  // namespace

int derive_bias_params(Graph& graph, const Node& node) {
  if (node.op == nullptr || node.op->quant.bias < 0 || !scalars_are_one(node)) return 0;
  const ValueId bias_id = operand_of(node, node.op->quant.bias), input_id = operand_of(node, 0),
                weight_id = operand_of(node, node.op->quant.weights[0]);
  if (bias_id == kNoValue || input_id == kNoValue || weight_id == kNoValue) return 0;
  Value& bias = graph[bias_id];
  Value& weight = graph[weight_id];
  if (!weight.quant || !graph[input_id].quant || !bias.constant) return 0;
  if (bias.constant->rank() != 1 || bias.constant->dtype() != DataType::kFloat) return 0;
  auto& weight_quant = std::get<QParams>(*weight.quant);
  // ConvTranspose with groups has fewer scales than output channels: its channels are (group, channel of the group).
  std::vector<size_t> channels(static_cast<size_t>(bias.constant->size()));
  for (size_t i = 0; i < channels.size(); ++i) channels[i] = i % weight_quant.scales.size();
  int raised = 0;
  const float input_scale = std::get<QParams>(*graph[input_id].quant).scales[0];
  bias.quant = bias_params(bias.constant->data<float>(), input_scale, channels, weight_quant, &raised);
  return raised;
}

int derive_bias_params_of_readers(Graph& graph, std::span<const ValueId> values) {
  int raised = 0;
  for (const Node& node : graph.nodes) {
    if (node.op == nullptr || std::find(values.begin(), values.end(), operand_of(node, 0)) == values.end()) continue;
    const ValueId bias = operand_of(node, node.op->quant.bias);
    if (bias != kNoValue && graph[bias].quant) raised += derive_bias_params(graph, node);
  }
  return raised;
}

}  // namespace tinyc
