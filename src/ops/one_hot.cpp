// OneHot: a new axis of `depth` elements that holds values[1] where the index says and values[0] elsewhere; an index
// outside [-depth, depth) marks nothing.
#include "ops/axis_layout.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axis", -1}};

void infer(InferContext& context) {
  const Shape& indices = context.shape(0);
  const auto depth = known_scalar(context, 1);
  if (depth && *depth < 1) context.fail_input(1, "asks for " + std::to_string(*depth) + " classes");
  context.require_rank(2, 1);
  if (context.shape(2).ranked() && context.shape(2)[0].known() && context.shape(2)[0].value != 2) {
    context.fail_input(2, "has " + std::to_string(context.shape(2)[0].value) + " elements, expected 2");
  }
  if (!indices.ranked()) return context.set_output(0, context.dtype(2), Shape::unranked());
  std::vector<Dim> dims = indices.dims();
  const int axis = normalize_axis(int_attr(context.node(), "axis"), indices.rank() + 1);
  dims.insert(dims.begin() + axis, depth ? Dim(*depth) : Dim());
  context.set_output(0, context.dtype(2), Shape(std::move(dims)));
}

void eval(EvalContext& context) {
  Tensor& output = context.output(0);
  const std::vector<int64_t> indices = context.input(0).to_int64();
  const Tensor& values = context.input(2);
  const size_t element = element_bytes(values.dtype());
  fill_elements(element, output.mutable_bytes(), values.bytes(), output.size());
  const AxisLayout layout(output.dims(), normalize_axis(int_attr(context.node(), "axis"), output.rank()));
  layout.for_each_line([&](int64_t line, int64_t start) {
    int64_t index = indices[static_cast<size_t>(line)];
    if (index < 0) index += layout.count;
    if (index < 0 || index >= layout.count) return;
    const auto offset = static_cast<size_t>(start + index * layout.inner) * element;
    std::memcpy(output.mutable_bytes() + offset, values.bytes() + element, element);
  });
}

}  // namespace

extern const OpDef k_one_hot{
    .name = "OneHot",
    .inputs = {3, 3},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.kind = QuantKind::kFloat, .why_float = "its operand is an index"},
};

}  // namespace tinyc
