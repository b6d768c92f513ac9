// Takes the factors of channels into the constants beside them, see free_channels.h. Clip has one limit for all
// elements; where channels have factors of their own, Clip(x, low, high) becomes Min(Max(x, low), high).
#include <algorithm>
#include <cmath>
#include <map>

#include "quant/channel_maps.h"
#include "tinyc/ops/op.h"
#include "tinyc/quant/free_channels.h"

namespace tinyc {
namespace {

double factor_of(const ScaledOperand& operand, size_t element, std::span<const double> factors) {
  const double times = factors[static_cast<size_t>(operand.times[element])];
  return operand.over.empty() ? times : times / factors[static_cast<size_t>(operand.over[element])];
}

bool takes_factors(const ScaledOperand& operand, std::span<const double> factors) {
  const auto is_scaled = [&](int32_t channel) { return factors[static_cast<size_t>(channel)] != 1.0; };
  return std::any_of(operand.times.begin(), operand.times.end(), is_scaled) ||
         std::any_of(operand.over.begin(), operand.over.end(), is_scaled);
}

Tensor scaled(const Tensor& constant, const ScaledOperand& operand, std::span<const double> factors) {
  ChannelMap places{constant.dims(), std::vector<int32_t>(static_cast<size_t>(constant.size()))};
  for (size_t i = 0; i < places.channels.size(); ++i) places.channels[i] = static_cast<int32_t>(i);
  const std::vector<int32_t> source = channel_maps::expand(places, operand.dims);
  const auto from = constant.data<float>();
  Tensor result = Tensor::zeros(DataType::kFloat, operand.dims);
  const auto to = result.mutable_data<float>();
  for (size_t e = 0; e < to.size(); ++e) {
    to[e] =
        static_cast<float>(static_cast<double>(from[static_cast<size_t>(source[e])]) * factor_of(operand, e, factors));
  }
  return result;
}

// The nodes that a clamp with limits by channel consists of; the last one computes the clamp's result. A lower limit
// for all channels stays a clamp, which the layer before it may absorb.
std::vector<Node> split_clamp(Graph& graph, const Node& clamp) {
  std::vector<Node> nodes;
  ValueId data = clamp.inputs[0];
  for (size_t k = 1; k < clamp.inputs.size(); ++k) {
    if (clamp.inputs[k] == kNoValue) continue;
    const Tensor& limit = *graph[clamp.inputs[k]].constant;
    if (limit.size() == 1 && std::isinf(limit.data<float>()[0])) continue;
    Node node;
    node.op = find_op("", k == 2 ? "Min" : limit.size() == 1 ? "Clip" : "Max");
    node.name = graph.unique_name(clamp.name + (k == 1 ? "_low" : "_high"));
    node.inputs = {data, clamp.inputs[k]};
    node.origin = clamp.origin;
    Value value;
    value.name = node.name;
    value.type = graph[clamp.outputs[0]].type;
    data = graph.add_value(std::move(value));
    node.outputs = {data};
    nodes.push_back(std::move(node));
  }
  nodes.back().outputs = clamp.outputs;
  nodes.back().name = clamp.name;
  return nodes;
}

}  // namespace

void scale_channels(Graph& graph, const FreeChannels& channels, std::span<const double> factors) {
  std::vector<bool> split(graph.nodes.size(), false);
  for (const ScaledOperand& operand : channels.operands) {
    if (!takes_factors(operand, factors)) continue;
    Node& node = graph[operand.node];
    ValueId& input = node.inputs[static_cast<size_t>(operand.operand)];
    const std::string name = graph[input].name;
    input = graph.add_constant(name, scaled(*graph[input].constant, operand, factors));
    split[index_of(operand.node)] = split[index_of(operand.node)] || node.op->quant.scaling == Scaling::kClamp;
  }
  std::vector<Node> nodes;
  for (size_t i = 0; i < split.size(); ++i) {
    if (!split[i]) {
      nodes.push_back(std::move(graph.nodes[i]));
      continue;
    }
    const Node clamp = std::move(graph.nodes[i]);
    for (Node& node : split_clamp(graph, clamp)) nodes.push_back(std::move(node));
  }
  graph.nodes = std::move(nodes);
  remove_dead(graph);
}

}  // namespace tinyc
