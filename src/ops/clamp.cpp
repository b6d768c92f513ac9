#include "tinyc/ops/clamp.h"

#include <cmath>

#include "tinyc/ops/op.h"

namespace tinyc {

// The limits are what the clamp makes of the two infinities.
std::optional<ClampLimits> clamp_limits(const Node& node, const std::function<const Tensor*(ValueId)>& constant_of) {
  if (node.op == nullptr || node.op->quant.kind != QuantKind::kClamp) return std::nullopt;
  std::vector<Tensor> operands{Tensor::of<float>({2}, std::vector<float>{-INFINITY, INFINITY})};
  for (size_t k = 1; k < node.inputs.size(); ++k) {
    const Tensor* limit = node.inputs[k] == kNoValue ? nullptr : constant_of(node.inputs[k]);
    if (node.inputs[k] != kNoValue && limit == nullptr) return std::nullopt;
    operands.push_back(limit == nullptr ? Tensor() : *limit);
  }
  std::vector<Tensor> outputs{Tensor::zeros(DataType::kFloat, {2})};
  std::vector<std::byte> scratch;
  const EvalContext::RunSubgraph none;
  EvalContext context(node, operands, outputs, scratch, none);
  node.op->eval(context);
  const auto limits = outputs[0].data<float>();
  return ClampLimits{limits[0], limits[1]};
}

ClampLimits limits_behind(const Graph& graph, const Uses& uses, ValueId id) {
  if (!uses.has_single_reader(id) || graph[id].type.dtype != DataType::kFloat) return {};
  const Node& reader = graph[uses.consumers_of(id).front()];
  if (reader.inputs.front() != id) return {};
  const auto constant_of = [&](ValueId limit) {
    return graph[limit].constant ? &*graph[limit].constant : static_cast<const Tensor*>(nullptr);
  };
  return clamp_limits(reader, constant_of).value_or(ClampLimits{});
}

}  // namespace tinyc
