#include "tinyc/quant/bias.h"

#include <algorithm>

#include "tinyc/base/error.h"
#include "tinyc/ir/scale_split.h"
#include "tinyc/ops/op.h"
#include "tinyc/quant/params.h"

namespace tinyc {
namespace {

ValueId operand_of(const Node& node, int idx) {
  return idx >= 0 && idx < static_cast<int>(node.inputs.size()) ? node.inputs[static_cast<size_t>(idx)] : kNoValue;
}

// ConvTranspose with groups has fewer scales than output channels: its channels are (group, channel of the group).
std::vector<size_t> channels_of_bias(int64_t elements, size_t scales) {
  std::vector<size_t> channels(static_cast<size_t>(elements));
  for (size_t i = 0; i < channels.size(); ++i) channels[i] = i % scales;
  return channels;
}

// In steps of the channels' units. One that does not fit has a wider step of its own, and the weights stay.
QParams params_beside_blocks(const Tensor& bias, float input_scale, const Node& node, const Value& weight) {
  const auto& blocks = std::get<QParams>(*weight.quant);
  const int channel_axis = node.op->quant.channel_axis(node, node.op->quant.weights[0], weight.constant->rank());
  const int32_t most = 127 / std::max(-blocks.q_min, blocks.q_max);
  std::optional<BlockSplit> split = split_blocks(blocks, weight.constant->dims(), channel_axis, most);
  TINYC_CHECK(split.has_value());
  const auto channels = channels_of_bias(bias.size(), split->params.scales.size());
  return bias_params(bias.data<float>(), input_scale, channels, split->params, nullptr);
}

}  // namespace

// Gemm has them; fold-gemm-scalars has folded what can be folded.
bool adds_plain_bias(const Node& node) {
  const auto& attrs = node.op->attributes;
  return std::none_of(attrs.begin(), attrs.end(), [&](const AttributeDef& def) {
    return (def.name == "alpha" || def.name == "beta") && float_attr(node, def.name) != 1.0F;
  });
}

int derive_bias_params(Graph& graph, const Node& node) {
  if (node.op == nullptr || node.op->quant.bias < 0 || !adds_plain_bias(node)) return 0;
  const ValueId bias_id = operand_of(node, node.op->quant.bias), input_id = operand_of(node, 0),
                weight_id = operand_of(node, node.op->quant.weights[0]);
  if (bias_id == kNoValue || input_id == kNoValue || weight_id == kNoValue) return 0;
  Value& bias = graph[bias_id];
  Value& weight = graph[weight_id];
  if (!weight.quant || !graph[input_id].quant || !bias.constant) return 0;
  if (bias.constant->rank() != 1 || bias.constant->dtype() != DataType::kFloat) return 0;
  auto& weight_quant = std::get<QParams>(*weight.quant);
  const float input_scale = std::get<QParams>(*graph[input_id].quant).scales[0];
  if (weight_quant.block != 0) {
    bias.quant = params_beside_blocks(*bias.constant, input_scale, node, weight);
    return 0;
  }
  const auto channels = channels_of_bias(bias.constant->size(), weight_quant.scales.size());
  int raised = 0;
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
