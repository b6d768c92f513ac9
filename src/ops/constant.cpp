// Constant: a tensor out of an attribute. ConstantOfShape: a tensor of given dims filled with one value.
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr QuantTraits kConstant{.kind = QuantKind::kFloat, .why_float = "its result is constant"};

// All but `value` are shorthands for small tensors.
constexpr AttributeDef kConstantAttributes[] = {{"value", AttributeType::kTensor},
                                                {"value_float", AttributeType::kFloat},
                                                {"value_floats", AttributeType::kFloats},
                                                {"value_int", AttributeType::kInt},
                                                {"value_ints", AttributeType::kInts}};

Tensor constant_of(const Node& node) {
  if (has_attr(node, "value")) return tensor_attr(node, "value");
  if (has_attr(node, "value_float")) return Tensor::scalar(float_attr(node, "value_float"));
  if (has_attr(node, "value_int")) return Tensor::scalar(int_attr(node, "value_int"));
  if (has_attr(node, "value_floats")) {
    const auto values = floats_attr(node, "value_floats");
    return Tensor::of<float>({static_cast<int64_t>(values.size())}, values);
  }
  if (has_attr(node, "value_ints")) {
    const auto values = ints_attr(node, "value_ints");
    return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values);
  }
  throw Error(ErrorKind::kModel, "has no attribute with a value that tinyc can read");
}

void infer_constant(InferContext& context) {
  const Tensor value = constant_of(context.node());
  context.set_output(0, value.dtype(), Shape(value.dims()));
  if (!is_integer(value.dtype()) || value.rank() > 1 || value.size() > kMaxRank) return;
  Shape dims;
  for (const int64_t element : value.to_int64()) dims.push_back(element >= 0 ? Dim(element) : Dim());
  context.set_dims_value(0, std::move(dims));
}

void eval_constant(EvalContext& context) {
  context.set_output(0, constant_of(context.node()));
}

constexpr AttributeDef kFillAttributes[] = {{"value", AttributeType::kTensor}};

Tensor fill_value(const Node& node) {
  if (!has_attr(node, "value")) return Tensor::scalar(0.0F);
  const Tensor& value = tensor_attr(node, "value");
  if (value.size() != 1) {
    throw Error(ErrorKind::kModel, "attribute 'value' has " + std::to_string(value.size()) + " elements, expected one");
  }
  return value;
}

void infer_fill(InferContext& context) {
  static_cast<void>(vector_length(context, 0));
  if (const auto dims = known_ints(context, 0)) {
    for (const int64_t dim : *dims) {
      if (dim < 0) context.fail_input(0, "asks for a dim of " + std::to_string(dim));
    }
  }
  const Tensor value = fill_value(context.node());
  context.set_output(0, value.dtype(), context.dims_value(0).value_or(Shape::unranked()));
}

void eval_fill(EvalContext& context) {
  const Tensor value = fill_value(context.node());
  Tensor& output = context.output(0);
  fill_elements(element_bytes(value.dtype()), output.mutable_bytes(), value.bytes(), output.size());
}

}  // namespace

extern const OpDef k_constant{
    .name = "Constant",
    .inputs = {0, 0},
    .attributes = kConstantAttributes,
    .infer = infer_constant,
    .eval = eval_constant,
    .quant = kConstant,
};

extern const OpDef k_constant_of_shape{
    .name = "ConstantOfShape",
    .attributes = kFillAttributes,
    .infer = infer_fill,
    .eval = eval_fill,
    .quant = kConstant,
};

}  // namespace tinyc
