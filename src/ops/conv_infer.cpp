#include "ops/conv_infer.h"

#include "ops/window.h"

namespace tinyc {
namespace {

void check_channels(const InferContext& context, const ConvOperands& operands) {
  const Shape& x = context.shape(operands.x);
  const Shape& w = context.shape(operands.w);
  const int64_t group = int_attr(context.node(), "group");
  if (group < 1) context.fail_input(operands.w, "cannot be split into " + std::to_string(group) + " groups");
  if (w[0].known() && w[0].value % group != 0) {
    context.fail_input(operands.w, "has " + std::to_string(w[0].value) +
                                       " output channels, not a multiple of the group count " + std::to_string(group));
  }
  if (x[1].known() && w[1].known() && (x[1].value % group != 0 || x[1].value / group != w[1].value)) {
    context.fail_input(operands.w, "has " + std::to_string(w[1].value) + " input channels a group, but operand " +
                                       std::to_string(operands.x) + " has " + std::to_string(x[1].value) +
                                       " channels in " + std::to_string(group) + " groups");
  }
  if (operands.bias < 0 || !context.has_input(operands.bias) || !context.shape(operands.bias).ranked()) return;
  context.require_rank(operands.bias, 1);
  const Dim& bias = context.shape(operands.bias)[0];
  if (bias.known() && w[0].known() && bias.value != w[0].value) {
    context.fail_input(operands.bias,
                       "has " + std::to_string(bias.value) + " elements, expected " + std::to_string(w[0].value));
  }
}

}  // namespace

void infer_convolution(InferContext& context, const ConvOperands& operands, DataType dtype) {
  require_spatial(context, operands.x);
  require_spatial(context, operands.w);
  const Shape& x = context.shape(operands.x);
  const Shape& w = context.shape(operands.w);
  if (!x.ranked() || !w.ranked()) return context.set_output(0, dtype, Shape::unranked());
  context.require_rank(operands.w, x.rank());
  check_channels(context, operands);
  Shape y{x[0], w[0]};
  const int spatial = x.rank() - 2;
  const std::span<const int64_t> declared = ints_attr(context.node(), "kernel_shape");
  Dims kernel(static_cast<size_t>(spatial), 1);
  if (!declared.empty()) kernel = kernel_shape_attr(context.node(), spatial);
  bool known = true;
  for (int i = 0; i < spatial; ++i) {
    int64_t& extent = kernel[static_cast<size_t>(i)];
    known = known && (w[i + 2].known() || !declared.empty());
    if (!w[i + 2].known()) continue;
    if (!declared.empty() && extent != w[i + 2].value) {
      context.fail_input(operands.w, "does not have the dims that attribute 'kernel_shape' says");
    }
    extent = w[i + 2].value;
  }
  const WindowSpec spec = read_window(context.node(), kernel);
  for (int i = 0; i < spatial; ++i) {
    const Dim& dim = x[i + 2];
    y.push_back(known && dim.known() ? Dim(spec.axis(static_cast<size_t>(i), dim.value).out) : Dim());
  }
  context.set_output(0, dtype, std::move(y));
}

}  // namespace tinyc
