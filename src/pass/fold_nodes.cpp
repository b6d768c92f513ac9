#include "tinyc/pass/fold_nodes.h"

#include <algorithm>
#include <optional>

#include "tinyc/eval/evaluate_node.h"
#include "tinyc/ops/infer.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/rewrite.h"

namespace tinyc {
namespace {

// The operands, or nothing when one is not a plain constant.
std::optional<std::vector<Tensor>> constant_operands(const Graph& graph, const Node& node) {
  std::vector<Tensor> operands;
  for (ValueId id : node.inputs) {
    if (id == kNoValue) {
      operands.emplace_back();
      continue;
    }
    const Tensor* tensor = plain_constant(graph, id);
    if (tensor == nullptr || bits_of(tensor->dtype()) == 0) return std::nullopt;
    operands.push_back(*tensor);
  }
  return operands;
}

int64_t total_bytes(const std::vector<Tensor>& tensors) {
  int64_t bytes = 0;
  for (const Tensor& tensor : tensors) bytes += static_cast<int64_t>(tensor.byte_size());
  return bytes;
}

// Bytes of the outputs when their dims follow from the operands; else 0.
int64_t inferred_bytes(const Graph& graph, const Node& node, const std::vector<Tensor>& operands) {
  std::vector<InferContext::Known> known;
  for (const Tensor& tensor : operands) known.push_back({tensor.type(), tensor.defined() ? &tensor : nullptr, {}});
  int64_t bytes = 0;
  for (const InferContext::Known& output : infer_node(graph, node, std::move(known))) {
    if (const auto dims = output.type.shape.known_dims()) bytes += byte_count(output.type.dtype, *dims);
  }
  return bytes;
}

// The elements of an integer value that inference knows to the last one.
std::optional<Tensor> known_elements(const TensorType& type, const std::optional<Shape>& elements) {
  const auto dims = type.shape.known_dims();
  if (!dims || !elements || !elements->known() || element_count(*dims) != elements->rank()) return std::nullopt;
  const Dims values = *elements->known_dims();
  if (type.dtype == DataType::kInt64) return Tensor::of<int64_t>(*dims, values);
  if (type.dtype != DataType::kInt32) return std::nullopt;
  return Tensor::of<int32_t>(*dims, std::vector<int32_t>(values.begin(), values.end()));
}

// What the node computes, when that can be said now; empty otherwise.
std::vector<Tensor> results_of(const Graph& graph, const Node& node, int64_t max_bytes,
                               const std::vector<std::optional<Shape>>& shapes) {
  if (const auto operands = constant_operands(graph, node)) {
    const int64_t limit = std::max(max_bytes, total_bytes(*operands));
    if (inferred_bytes(graph, node, *operands) <= limit) return evaluate_node(graph, node, *operands);
    return {};
  }
  if (node.outputs.size() != 1 || node.outputs[0] == kNoValue) return {};
  const auto known = known_elements(graph[node.outputs[0]].type, shapes[index_of(node.outputs[0])]);
  return known ? std::vector<Tensor>{*known} : std::vector<Tensor>{};
}

}  // namespace

bool fold_nodes(Graph& graph, int64_t max_bytes, PassContext& context, bool (*wanted)(const Graph&, const Node&)) {
  bool changed = false;
  std::vector<std::optional<Shape>> shapes;
  for (Node& node : graph.nodes) {
    if (node.op == nullptr || !node.op->deterministic || (wanted != nullptr && !wanted(graph, node))) continue;
    const bool has_quantized_output = std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) {
      return id != kNoValue && graph[id].quant.has_value();
    });
    if (has_quantized_output) continue;
    infer_outputs(graph, node, shapes);
    std::vector<Tensor> results = results_of(graph, node, max_bytes, shapes);
    if (results.empty()) continue;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      Value& value = graph[node.outputs[i]];
      value.type = results[i].type();
      value.constant = std::move(results[i]);
    }
    node.outputs.assign(node.outputs.size(), kNoValue);
    context.count("folded");
    changed = true;
  }
  return changed;
}

}  // namespace tinyc
