#include "quant/moved_channels.h"

#include <algorithm>

#include "quant/channel_maps.h"
#include "tinyc/base/error.h"
#include "tinyc/eval/evaluate_node.h"

namespace tinyc {
namespace {

constexpr int64_t kOpenDim = 2;

// Nothing when the stand-ins for open dims do not suit the node.
std::vector<Tensor> try_evaluate(const Graph& graph, const Node& node, const std::vector<Tensor>& operands) {
  try {
    return evaluate_node(graph, node, operands);
  } catch (const Error&) {
    return {};
  }
}

// A padding other than 0 belongs to no channel.
bool keeps_zero(const Graph& graph, const Node& node, const std::vector<ChannelMap>& maps,
                std::vector<Tensor> operands) {
  for (size_t k = 0; k < operands.size(); ++k) {
    if (!maps[k].channels.empty()) operands[k] = Tensor::zeros(DataType::kFloat, operands[k].dims());
  }
  const auto is_zero = [](const Tensor& result) {
    if (!result.defined() || result.dtype() != DataType::kFloat) return true;
    const auto data = result.data<float>();
    return std::all_of(data.begin(), data.end(), [](float x) { return x == 0.0F; });
  };
  const std::vector<Tensor> results = try_evaluate(graph, node, operands);
  return std::all_of(results.begin(), results.end(), is_zero);
}

bool differs_along_open_dim(const ChannelMap& map, const Shape& shape) {
  for (int i = 0; i < shape.rank(); ++i) {
    if (!shape[i].known() && map.dims[static_cast<size_t>(i)] != 1) return true;
  }
  return false;
}

}  // namespace

Dims concrete_dims(const Shape& shape) {
  Dims dims;
  for (int i = 0; i < shape.rank(); ++i) dims.push_back(shape[i].known() ? shape[i].value : kOpenDim);
  return dims;
}

std::optional<std::vector<ChannelMap>> move_channels(const Graph& graph, const Node& node,
                                                     const std::vector<ChannelMap>& operands) {
  std::vector<Tensor> tensors(operands.size());
  for (size_t k = 0; k < operands.size(); ++k) {
    const ValueId id = node.inputs[k];
    if (!operands[k].channels.empty()) {
      const Dims dims = concrete_dims(graph[id].type.shape);
      tensors[k] = channel_maps::as_floats(channel_maps::expand(operands[k], dims), dims);
    } else if (id != kNoValue) {
      if (!graph[id].constant) return std::nullopt;
      tensors[k] = *graph[id].constant;
    }
  }
  if (!keeps_zero(graph, node, operands, tensors)) return std::nullopt;
  const std::vector<Tensor> results = try_evaluate(graph, node, tensors);
  if (results.size() != node.outputs.size()) return std::nullopt;
  std::vector<ChannelMap> moved(results.size());
  for (size_t k = 0; k < results.size(); ++k) {
    if (node.outputs[k] == kNoValue || graph[node.outputs[k]].type.dtype != DataType::kFloat) continue;
    const Shape& shape = graph[node.outputs[k]].type.shape;
    if (results[k].dims() != concrete_dims(shape) || results[k].size() == 0) return std::nullopt;
    moved[k] = channel_maps::compress({results[k].dims(), channel_maps::from_floats(results[k])});
    if (differs_along_open_dim(moved[k], shape)) return std::nullopt;
  }
  return moved;
}

}  // namespace tinyc
