// Axes of layers: what their weights join.
#include <algorithm>

#include "ops/common_axes.h"
#include "ops/recurrent.h"

namespace tinyc {
namespace {

// Labels of operand 0's and result 0's batch.
void label_batch(const AxesContext& c, NodeAxes& axes) {
  if (!c.in(0)[0].known() || !c.in(0)[0].same_as(c.out(0)[0])) return;
  axes.inputs[0][0] = axes.outputs[0][0] = {axes.add(c.in(0)[0].value)};
}

// Convolutions: `in_axis` is the axis of the weights that counts inputs; the other one of 0 and 1 counts outputs. Axis
// 0 is that of all groups.
std::optional<NodeAxes> convolution_axes(const AxesContext& c, size_t in_axis) {
  const bool known = c.has(0) && c.has(1) && c.outputs.size() == 1 && c.out(0).ranked() && c.in(0).rank() >= 3 &&
                     c.in(1).rank() == c.in(0).rank() && c.in(1).known() && c.in(0)[1].known();
  const int64_t groups = int_attr(c.node, "group");
  if (!known || groups < 1 || c.in(1)[0].value % groups != 0 || c.in(0)[1].value % groups != 0) return std::nullopt;
  NodeAxes axes = unlabelled_axes(c);
  const size_t out_axis = 1 - in_axis;
  const auto of_group = [&](size_t axis) {
    const int64_t extent = c.in(1)[static_cast<int>(axis)].value;
    return axis == 0 ? extent / groups : extent;
  };
  const int group = axes.add(groups), input = axes.add(of_group(in_axis)), output = axes.add(of_group(out_axis));
  axes.inputs[1][in_axis] = {input};
  axes.inputs[1][out_axis] = {output};
  axes.inputs[1][0].insert(axes.inputs[1][0].begin(), group);
  axes.inputs[0][1] = {group, input};
  axes.outputs[0][1] = {group, output};
  if (c.has(2)) axes.inputs[2] = {{group, output}};
  axes.sums = {{input, {{0, 1}, {1, static_cast<int>(in_axis)}}}};
  axes.counts = {{"group", group}};
  label_batch(c, axes);
  return axes;
}

}  // namespace

std::optional<NodeAxes> conv_axes(const AxesContext& c) {
  return convolution_axes(c, 1);
}

std::optional<NodeAxes> conv_transpose_axes(const AxesContext& c) {
  return convolution_axes(c, 0);
}

std::optional<NodeAxes> gemm_axes(const AxesContext& c) {
  if (!c.has(0) || !c.has(1) || c.in(0).rank() != 2 || c.in(1).rank() != 2 || c.out(0).rank() != 2) return std::nullopt;
  const size_t a_sum = int_attr(c.node, "transA") != 0 ? 0 : 1, b_sum = int_attr(c.node, "transB") != 0 ? 1 : 0;
  const Dim &rows = c.in(0)[1 - static_cast<int>(a_sum)], &columns = c.in(1)[1 - static_cast<int>(b_sum)];
  const Dim &depth = c.in(0)[static_cast<int>(a_sum)], &depth_b = c.in(1)[static_cast<int>(b_sum)];
  NodeAxes axes = unlabelled_axes(c);
  if (rows.known()) axes.inputs[0][1 - a_sum] = axes.outputs[0][0] = {axes.add(rows.value)};
  if (columns.known()) axes.inputs[1][1 - b_sum] = axes.outputs[0][1] = {axes.add(columns.value)};
  if (depth.known() && depth.same_as(depth_b)) {
    axes.inputs[0][a_sum] = axes.inputs[1][b_sum] = {axes.add(depth.value)};
    axes.sums = {{axes.inputs[1][b_sum][0], {{0, static_cast<int>(a_sum)}, {1, static_cast<int>(b_sum)}}}};
  }
  if (c.has(2) && !label_broadcast(c.in(2), c.out(0), axes.outputs[0], axes.inputs[2], 0)) return std::nullopt;
  return axes;
}

std::optional<NodeAxes> matmul_axes(const AxesContext& c) {
  if (!c.has(0) || !c.has(1) || !c.out(0).ranked() || c.in(0).rank() < 2 || c.in(1).rank() < 2) return std::nullopt;
  const auto a = static_cast<size_t>(c.in(0).rank()), b = static_cast<size_t>(c.in(1).rank());
  const auto out = static_cast<size_t>(c.out(0).rank());
  NodeAxes axes = unlabelled_axes(c);
  for (int i = 0; i < c.out(0).rank(); ++i) {
    if (c.out(0)[i].known()) axes.outputs[0][static_cast<size_t>(i)] = {axes.add(c.out(0)[i].value)};
  }
  if (!label_broadcast(c.in(0), c.out(0), axes.outputs[0], axes.inputs[0], 2)) return std::nullopt;
  if (!label_broadcast(c.in(1), c.out(0), axes.outputs[0], axes.inputs[1], 2)) return std::nullopt;
  axes.inputs[0][a - 2] = axes.outputs[0][out - 2];
  axes.inputs[1][b - 1] = axes.outputs[0][out - 1];
  const Dim& depth = c.in(0)[static_cast<int>(a) - 1];
  if (depth.known() && depth.same_as(c.in(1)[static_cast<int>(b) - 2])) {
    axes.inputs[0][a - 1] = axes.inputs[1][b - 2] = {axes.add(depth.value)};
    axes.sums = {{axes.inputs[1][b - 2][0], {{0, static_cast<int>(a) - 1}, {1, static_cast<int>(b) - 2}}}};
  }
  return axes;
}

std::optional<NodeAxes> recurrent_axes(const AxesContext& c, int64_t gates) {
  using namespace recurrent_operands;
  for (const size_t k : {size_t{kX}, size_t{kW}, size_t{kR}}) {
    if (!c.has(k) || c.in(k).rank() != 3) return std::nullopt;
  }
  const Dim &inputs = c.in(kW)[2], &hidden = c.in(kR)[2];
  const bool known = inputs.known() && hidden.known() && c.in(kX)[2].same_as(inputs) &&
                     c.in(kW)[1].same_as(Dim(gates * hidden.value)) && c.in(kR)[1].same_as(c.in(kW)[1]);
  if (!known) return std::nullopt;
  NodeAxes axes = unlabelled_axes(c);
  const int input = axes.add(inputs.value), unit = axes.add(hidden.value), gate = axes.add(gates, true);
  axes.inputs[kX][2] = axes.inputs[kW][2] = {input};
  axes.inputs[kW][1] = axes.inputs[kR][1] = {gate, unit};
  axes.inputs[kR][2] = {unit};
  if (c.has(kB)) axes.inputs[kB][1] = {axes.add(2, true), gate, unit};
  for (const size_t k : {size_t{kInitialH}, size_t{kInitialC}}) {
    if (c.has(k)) axes.inputs[k][2] = {unit};
  }
  if (c.has(kPeepholes)) axes.inputs[kPeepholes][1] = {axes.add(gates - 1, true), unit};
  for (OperandAxes& output : axes.outputs) {
    if (!output.empty()) output.back() = {unit};
  }
  axes.sums = {{input, {{kX, 2}, {kW, 2}}}, {unit, {{kR, 2}}}};
  axes.counts = {{"hidden_size", unit}};
  return axes;
}

}  // namespace tinyc
