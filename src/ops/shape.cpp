// Shape: the dims of an operand from `start` up to `end`, as int64. Size: how many elements it has.
#include <algorithm>

#include "ops/infer_util.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr QuantTraits kSizes{.kind = QuantKind::kFloat, .why_float = "its result is a size"};

constexpr AttributeDef kAttributes[] = {{"end", AttributeType::kInt}, {"start", 0}};

struct Axes {
  int first, last;  // [first, last)
};

Axes axes_of(const Node& node, int rank) {
  const auto clamped = [rank](int64_t axis) {
    return static_cast<int>(std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank));
  };
  const int first = clamped(int_attr(node, "start"));
  const int last = has_attr(node, "end") ? clamped(int_attr(node, "end")) : rank;
  return {first, std::max(first, last)};
}

void infer_shape(InferContext& context) {
  const Shape& shape = context.shape(0);
  if (!shape.ranked()) return context.set_output(0, DataType::kInt64, {Dim()});
  const auto [first, last] = axes_of(context.node(), shape.rank());
  Shape dims;
  for (int i = first; i < last; ++i) dims.push_back(shape[i]);
  context.set_output(0, DataType::kInt64, {Dim(last - first)});
  context.set_dims_value(0, std::move(dims));
}

void eval_shape(EvalContext& context) {
  const Dims& dims = context.input(0).dims();
  const auto [first, last] = axes_of(context.node(), static_cast<int>(dims.size()));
  std::copy(dims.begin() + first, dims.begin() + last, context.out<int64_t>(0).begin());
}

void infer_size(InferContext& context) {
  const Shape& shape = context.shape(0);
  context.set_output(0, DataType::kInt64, {});
  if (shape.ranked()) context.set_dims_value(0, {product(shape.dims())});
}

void eval_size(EvalContext& context) {
  context.out<int64_t>(0)[0] = context.input(0).size();
}

}  // namespace

extern const OpDef k_shape{
    .name = "Shape", .attributes = kAttributes, .infer = infer_shape, .eval = eval_shape, .quant = kSizes};

extern const OpDef k_size{.name = "Size", .infer = infer_size, .eval = eval_size, .quant = kSizes};

}  // namespace tinyc
