#include "quant/axis_index.h"

#include "tinyc/ops/op.h"

namespace tinyc {

AxisFlags axis_flags(const Shape& shape, bool value) {
  AxisFlags flags(static_cast<size_t>(shape.rank()));
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis].known()) flags[static_cast<size_t>(axis)].assign(static_cast<size_t>(shape[axis].value), value);
  }
  return flags;
}

std::optional<NodeAxes> axes_of(const Graph& graph, const Node& node) {
  if (node.op == nullptr || node.op->axes == nullptr || node.captures > 0) return std::nullopt;
  AxesContext context{node, {}, {}, {}};
  for (const ValueId id : node.inputs) {
    context.inputs.push_back(id == kNoValue ? TensorType() : graph[id].type);
    context.constants.push_back(id == kNoValue || !graph[id].constant ? nullptr : &*graph[id].constant);
    if (id != kNoValue && !graph[id].type.shape.ranked()) return std::nullopt;
  }
  for (const ValueId id : node.outputs) {
    context.outputs.push_back(id == kNoValue ? TensorType() : graph[id].type);
    if (id != kNoValue && !graph[id].type.shape.ranked()) return std::nullopt;
  }
  return node.op->axes(context);
}

}  // namespace tinyc
