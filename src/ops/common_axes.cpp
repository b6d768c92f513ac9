#include "ops/common_axes.h"

#include <algorithm>

#include "ops/infer_util.h"

namespace tinyc {
namespace {

// Labels of axis `axis` of operand 0, and of every result that has as much there.
int label_through(const AxesContext& c, NodeAxes& axes, size_t axis) {
  const Dim& dim = c.in(0)[static_cast<int>(axis)];
  const int label = axes.add(dim.value);
  axes.inputs[0][axis] = {label};
  for (OperandAxes& output : axes.outputs) {
    if (!output.empty()) output[axis] = {label};
  }
  return label;
}

// Results that are there and have the rank of operand 0.
bool keeps_rank(const AxesContext& c) {
  return std::all_of(c.outputs.begin(), c.outputs.end(), [&](const TensorType& type) {
    return !type.shape.ranked() || type.shape.rank() == c.in(0).rank();
  });
}

OperandAxes new_labels(NodeAxes& axes, const Shape& shape) {
  OperandAxes labels(static_cast<size_t>(shape.rank()));
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i].known()) labels[static_cast<size_t>(i)] = {axes.add(shape[i].value)};
  }
  return labels;
}

}  // namespace

NodeAxes unlabelled_axes(const AxesContext& c) {
  NodeAxes axes;
  for (const TensorType& type : c.inputs) axes.inputs.emplace_back(static_cast<size_t>(type.shape.rank()));
  for (const TensorType& type : c.outputs) axes.outputs.emplace_back(static_cast<size_t>(type.shape.rank()));
  return axes;
}

bool label_broadcast(const Shape& from, const Shape& to, const OperandAxes& labels, OperandAxes& operand, int skipped) {
  for (int i = 1 + skipped; i <= from.rank(); ++i) {
    const Dim &own = from[from.rank() - i], &all = to[to.rank() - i];
    if (!all.known()) continue;
    if (!own.known() || (own.value != 1 && own.value != all.value)) return false;
    if (own.value != all.value) continue;
    operand[operand.size() - static_cast<size_t>(i)] = labels[labels.size() - static_cast<size_t>(i)];
  }
  return true;
}

std::optional<NodeAxes> elementwise_axes(const AxesContext& c) {
  if (c.outputs.size() != 1 || !c.out(0).ranked()) return std::nullopt;
  NodeAxes axes = unlabelled_axes(c);
  axes.outputs[0] = new_labels(axes, c.out(0));
  for (size_t k = 0; k < c.inputs.size(); ++k) {
    if (!c.has(k)) continue;
    if (c.in(k).rank() > c.out(0).rank()) return std::nullopt;
    if (!label_broadcast(c.in(k), c.out(0), axes.outputs[0], axes.inputs[k], 0)) return std::nullopt;
  }
  return axes;
}

std::optional<NodeAxes> plane_axes(const AxesContext& c) {
  if (!c.has(0) || c.in(0).rank() < 2 || !keeps_rank(c)) return std::nullopt;
  NodeAxes axes = unlabelled_axes(c);
  for (int axis = 0; axis < 2; ++axis) {
    if (!c.in(0)[axis].known()) continue;
    for (const TensorType& out : c.outputs) {
      if (out.shape.ranked() && !out.shape[axis].same_as(c.in(0)[axis])) return std::nullopt;
    }
    label_through(c, axes, static_cast<size_t>(axis));
  }
  return axes;
}

std::optional<NodeAxes> channel_axes(const AxesContext& c) {
  if (c.outputs.size() != 1) return std::nullopt;
  std::optional<NodeAxes> axes = plane_axes(c);
  if (!axes || !c.in(0)[1].known()) return std::nullopt;
  for (size_t k = 1; k < c.inputs.size(); ++k) {
    if (!c.has(k) || c.in(k).rank() != 1 || !c.in(k)[0].same_as(c.in(0)[1])) return std::nullopt;
    axes->inputs[k][0] = axes->inputs[0][1];
  }
  return axes;
}

std::optional<NodeAxes> grouped_axes(const AxesContext& c, int64_t groups) {
  std::optional<NodeAxes> axes = channel_axes(c);
  if (!axes || groups < 1 || c.in(0)[1].value % groups != 0) return std::nullopt;
  const AxisLabels labels{axes->add(groups), axes->add(c.in(0)[1].value / groups, true)};
  axes->inputs[0][1] = axes->outputs[0][1] = labels;
  for (size_t k = 1; k < c.inputs.size(); ++k) axes->inputs[k][0] = labels;
  axes->counts = {{"num_groups", labels[0]}};
  return axes;
}

std::optional<NodeAxes> mixing_axes(const AxesContext& c, int first, int last) {
  if (!c.has(0) || !keeps_rank(c)) return std::nullopt;
  NodeAxes axes = unlabelled_axes(c);
  for (int axis = 0; axis < c.in(0).rank(); ++axis) {
    if ((axis < first || axis >= last) && c.in(0)[axis].known()) label_through(c, axes, static_cast<size_t>(axis));
  }
  return axes;
}

std::optional<NodeAxes> reduction_axes(const AxesContext& c) {
  if (c.outputs.size() != 1 || !c.has(0) || !c.out(0).ranked()) return std::nullopt;
  const int rank = c.in(0).rank();
  std::vector<int64_t> listed;
  if (c.has(1)) {
    if (c.constants[1] == nullptr) return std::nullopt;
    listed = c.constants[1]->to_int64();
  }
  const bool all = listed.empty() && int_attr(c.node, "noop_with_empty_axes") == 0;
  std::vector<bool> reduced(static_cast<size_t>(rank), all);
  for (const int axis : normalize_axes(listed, rank)) reduced[static_cast<size_t>(axis)] = true;
  NodeAxes axes = unlabelled_axes(c);
  size_t out = 0;
  for (size_t axis = 0; axis < reduced.size(); ++axis) {
    const Dim& dim = c.in(0)[static_cast<int>(axis)];
    if (!reduced[axis] && dim.known() && out < axes.outputs[0].size()) {
      axes.inputs[0][axis] = axes.outputs[0][out] = {axes.add(dim.value)};
    }
    out += !reduced[axis] || int_attr(c.node, "keepdims") != 0 ? 1 : 0;
  }
  return axes;
}

}  // namespace tinyc
