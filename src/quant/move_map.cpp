#include "quant/move_map.h"

#include <algorithm>

#include "quant/channel_maps.h"
#include "quant/moved_channels.h"
#include "tinyc/base/error.h"
#include "tinyc/eval/evaluate_node.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

// Elements are numbered in floats, which hold integers up to 2^24.
constexpr size_t kMostSources = size_t{1} << 23;

bool is_float(const Graph& graph, ValueId id) {
  return id != kNoValue && graph[id].type.dtype == DataType::kFloat && graph[id].type.shape.ranked();
}

// Nothing when the operands do not suit the node.
std::vector<Tensor> try_evaluate(const Graph& graph, const Node& node, const std::vector<Tensor>& operands) {
  try {
    return evaluate_node(graph, node, operands);
  } catch (const Error&) {
    return {};
  }
}

bool puts_in_zeros(const std::vector<Tensor>& results) {
  return std::all_of(results.begin(), results.end(), [](const Tensor& result) {
    if (!result.defined()) return true;
    const auto data = result.data<float>();
    return std::all_of(data.begin(), data.end(), [](float x) { return x == 0.0F; });
  });
}

Tensor kept_part(Tensor tensor, const KeptIndices& kept) {
  for (size_t axis = 0; axis < kept.size(); ++axis) {
    const auto extent = static_cast<size_t>(tensor.dims()[axis]);
    if (!kept[axis].empty() && kept[axis].size() != extent) tensor = take_indices(tensor, axis, kept[axis]);
  }
  return tensor;
}

}  // namespace

std::optional<MoveMap> MoveMap::of(const Graph& graph, const Node& node) {
  if (node.op == nullptr || node.captures > 0 || node.op->quant.scaling != Scaling::kMove) return std::nullopt;
  MoveMap map;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    const ValueId id = node.inputs[k];
    map.is_data_.push_back(id != kNoValue && is_data_operand(node, static_cast<int>(k)));
    map.operand_dims_.emplace_back();
    if (!map.is_data_[k]) {
      if (id != kNoValue && !graph[id].constant) return std::nullopt;
      continue;
    }
    if (!is_float(graph, id)) return std::nullopt;
    map.operand_dims_[k] = concrete_dims(graph[id].type.shape);
    map.sources_ += static_cast<size_t>(element_count(map.operand_dims_[k]));
    if (map.sources_ > kMostSources) return std::nullopt;
  }
  std::vector<Tensor> numbers = map.operands(graph, node), zeros = numbers;
  for (size_t k = 0; k < zeros.size(); ++k) {
    if (map.is_data_[k]) zeros[k] = Tensor::zeros(DataType::kFloat, zeros[k].dims());
  }
  const std::vector<Tensor> results = try_evaluate(graph, node, numbers);
  if (results.size() != node.outputs.size()) return std::nullopt;
  for (size_t k = 0; k < results.size(); ++k) {
    map.output_dims_.emplace_back();
    map.source_of_.emplace_back();
    if (node.outputs[k] == kNoValue) continue;
    if (!is_float(graph, node.outputs[k]) || !results[k].defined()) return std::nullopt;
    map.output_dims_[k] = results[k].dims();
    if (map.output_dims_[k] != concrete_dims(graph[node.outputs[k]].type.shape)) return std::nullopt;
    map.source_of_[k] = channel_maps::from_floats(results[k]);
  }
  return puts_in_zeros(try_evaluate(graph, node, zeros)) ? std::optional(map) : std::nullopt;
}

// Data operands hold the numbers of their elements and 1 more.
std::vector<Tensor> MoveMap::operands(const Graph& graph, const Node& node) const {
  std::vector<Tensor> tensors(node.inputs.size());
  float next = 1.0F;
  for (size_t k = 0; k < tensors.size(); ++k) {
    if (!is_data_[k]) {
      if (node.inputs[k] != kNoValue) tensors[k] = *graph[node.inputs[k]].constant;
      continue;
    }
    tensors[k] = Tensor::zeros(DataType::kFloat, operand_dims_[k]);
    for (float& x : tensors[k].mutable_data<float>()) x = next++;
  }
  return tensors;
}

std::optional<ResizedNode> MoveMap::resized(const Graph& graph, NodeId id, const std::vector<KeptIndices>& kept) const {
  Node node = graph[id];
  const auto kept_of = [&](ValueId value) { return value == kNoValue ? KeptIndices() : kept[index_of(value)]; };
  std::vector<Tensor> operands = this->operands(graph, node), constants = operands;
  std::vector<KeptIndices> inputs, outputs;
  std::vector<TensorType> types;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    inputs.push_back(kept_of(node.inputs[k]));
    types.push_back(node.inputs[k] == kNoValue ? TensorType() : graph[node.inputs[k]].type);
    if (!is_data_[k]) continue;
    constants[k] = Tensor();
    operands[k] = kept_part(operands[k], inputs[k]);
  }
  for (const ValueId output : node.outputs) outputs.push_back(kept_of(output));
  ResizeContext context{node, constants, types, inputs, outputs};
  if (node.op->resize != nullptr && !node.op->resize(context)) return std::nullopt;

  ResizedNode result{id, node.attributes, {}};
  operands.resize(std::max(operands.size(), constants.size()));
  node.inputs.resize(operands.size(), kNoValue);
  for (size_t k = 0; k < constants.size(); ++k) {
    if (!constants[k].defined()) continue;
    if (!operands[k].defined() || !constants[k].same_bytes(operands[k])) {
      result.constants.emplace_back(static_cast<int>(k), constants[k]);
    }
    operands[k] = constants[k];
  }
  const std::vector<Tensor> computed = try_evaluate(graph, node, operands);
  if (computed.size() != source_of_.size()) return std::nullopt;
  for (size_t k = 0; k < computed.size(); ++k) {
    if (source_of_[k].empty()) continue;
    const Tensor all = channel_maps::as_floats(source_of_[k], output_dims_[k]);
    const Tensor expected = kept_part(all, outputs[k]);
    if (!computed[k].defined() || computed[k].dims() != expected.dims() || !computed[k].same_bytes(expected)) {
      return std::nullopt;
    }
  }
  return result;
}

}  // namespace tinyc
