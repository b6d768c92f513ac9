#include "emit/byte_weights.h"

#include <algorithm>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ir/scale_split.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

QParams* packed_params(Value& value) {
  QParams* params = value.quant ? std::get_if<QParams>(&*value.quant) : nullptr;
  const bool packed = params != nullptr && value.constant && value.constant->dtype() == params->storage;
  return packed ? params : nullptr;
}

Tensor bytes_of(DataType dtype, const Dims& dims, const std::vector<int64_t>& integers) {
  Tensor tensor = Tensor::zeros(dtype, dims);
  for (size_t i = 0; i < integers.size(); ++i) tensor.mutable_bytes()[i] = static_cast<std::byte>(integers[i]);
  return tensor;
}

void widen(Value& value) {
  QParams* params = packed_params(value);
  if (params == nullptr || bits_of(params->storage) >= 8) return;
  params->storage = is_signed_integer(params->storage) ? DataType::kInt8 : DataType::kUint8;
  value.constant = bytes_of(params->storage, value.constant->dims(), value.constant->to_int64());
}

void merge_blocks(Value& value, int channel_axis) {
  QParams* params = packed_params(value);
  const bool symmetric =
      std::all_of(params->zero_points.begin(), params->zero_points.end(), [](int32_t z) { return z == 0; });
  if (!symmetric || params->storage != DataType::kInt8) return;
  std::vector<int64_t> integers = value.constant->to_int64();
  int64_t largest = 1;
  for (const int64_t q : integers) largest = std::max(largest, std::abs(q));
  const Dims& dims = value.constant->dims();
  auto split = split_blocks(*params, dims, channel_axis, static_cast<int32_t>(127 / std::min<int64_t>(largest, 127)));
  if (!split) return;
  const ScaleIndex block_of(*params, dims);
  for (size_t i = 0; i < integers.size(); ++i) integers[i] *= split->factors[block_of(static_cast<int64_t>(i))];
  split->params.q_min = -127;
  split->params.q_max = 127;
  split->params.q_step = 1;
  *params = std::move(split->params);
  value.constant = bytes_of(params->storage, value.constant->dims(), integers);
}

void merge_all_blocks(Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (node.op == nullptr || node.op->quant.channel_axis == nullptr) continue;
    for (const int operand : node.op->quant.weights) {
      if (operand < 0 || operand >= static_cast<int>(node.inputs.size())) continue;
      const ValueId id = node.inputs[static_cast<size_t>(operand)];
      if (id == kNoValue) continue;
      const QParams* params = packed_params(graph[id]);
      if (params == nullptr || params->block == 0) continue;
      merge_blocks(graph[id], node.op->quant.channel_axis(node, operand, graph[id].constant->rank()));
    }
  }
}

}  // namespace

Graph with_byte_weights(const Graph& graph) {
  Graph bytes = graph;
  for (Value& value : bytes.values) widen(value);
  merge_all_blocks(bytes);
  return bytes;
}

Graph without_byte_blocks(const Graph& graph) {
  Graph merged = graph;
  merge_all_blocks(merged);
  return merged;
}

}  // namespace tinyc
