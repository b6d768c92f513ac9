// com.microsoft QLinearAdd, QLinearMul, QLinearLeakyRelu, QLinearSigmoid, QLinearConcat and QLinearWhere, as
// onnxruntime's QOperator quantizer writes them: each quantized operand is followed by its scale and zero point.
// Source: onnxruntime's ContribOperators.md and its CPU kernels, whose float32 arithmetic is followed.
#include <cmath>

#include "ops/affine.h"
#include "ops/broadcast.h"
#include "ops/common_infer.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

using ByteTypes = TypeList<int8_t, uint8_t>;

void infer_binary(InferContext& context) {
  require_operands(context, {0, 1, 3, 4, 6});
  require_same_dtype(context, 3, 0);
  context.set_output(0, context.dtype(0), broadcast(context.shape(0), context.shape(3)));
}

// combine(a, b) on real numbers; the result is rounded on the grid of the output.
template <auto kCombine>
void eval_binary(EvalContext& context) {
  const float a_scale = scale_operand(context, 1), b_scale = scale_operand(context, 4);
  const float y_scale = scale_operand(context, 6);
  const int32_t a_zero = zero_point_operand(context, 2), b_zero = zero_point_operand(context, 5);
  const int32_t y_zero = zero_point_operand(context, 7);
  const auto plan = plan_broadcast<2>(context.output(0).dims(), {context.input(0).dims(), context.input(3).dims()});
  visit_type(ByteTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T* a = context.in<T>(0).data();
    const T* b = context.in<T>(3).data();
    T* y = context.out<T>(0).data();
    for_each_line(plan, [&](int64_t out, const std::array<int64_t, 2>& offsets) {
      for (int64_t i = 0; i < plan.line; ++i) {
        const float left = a_scale * static_cast<float>(a[offsets[0] + i * plan.steps[0]] - a_zero);
        const float right = b_scale * static_cast<float>(b[offsets[1] + i * plan.steps[1]] - b_zero);
        y[out + i] = quantize_one<T>(kCombine(left, right) / y_scale, y_zero);
      }
    });
  });
}

// One entry for each of the 256 values that an element can have.
template <typename T, typename Function>
void eval_by_table(const Tensor& x, float x_scale, int32_t x_zero, float y_scale, int32_t y_zero, Function function,
                   std::span<T> y) {
  std::array<T, 256> table;
  for (int q = std::numeric_limits<T>::min(); q <= std::numeric_limits<T>::max(); ++q) {
    const float real = x_scale * static_cast<float>(q - x_zero);
    table[static_cast<uint8_t>(q)] = quantize_one<T>(function(real) / y_scale, y_zero);
  }
  const auto values = x.data<T>();
  std::transform(values.begin(), values.end(), y.begin(), [&](T q) { return table[static_cast<uint8_t>(q)]; });
}

template <typename Function>
void eval_unary(EvalContext& context, Function function) {
  visit_type(ByteTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    eval_by_table<T>(context.input(0), scale_operand(context, 1), zero_point_operand(context, 2),
                     scale_operand(context, 3), zero_point_operand(context, 4), function, context.out<T>(0));
  });
}

void infer_unary(InferContext& context) {
  require_operands(context, {0, 1, 3});
  infer_same(context);
}

void eval_leaky_relu(EvalContext& context) {
  const float alpha = float_attr(context.node(), "alpha");
  eval_unary(context, [alpha](float x) { return x < 0.0F ? alpha * x : x; });
}

void eval_sigmoid(EvalContext& context) {
  eval_unary(context, [](float x) { return 1.0F / (1.0F + std::exp(-x)); });
}

// Operands: the output's scale and zero point, then triples of a tensor, its scale and its zero point.
int part_count(const Node& node) {
  const size_t count = node.inputs.size();
  if (count >= 5 && (count - 2) % 3 == 0) return static_cast<int>((count - 2) / 3);
  throw Error(ErrorKind::kModel, "has " + std::to_string(count) + " inputs, expected two and three for each part");
}

void infer_concat(InferContext& context) {
  Shape shape = context.shape(2);
  for (int part = 1; part < part_count(context.node()); ++part) {
    const Shape& next = context.shape(2 + 3 * part);
    require_same_dtype(context, 2 + 3 * part, 2);
    if (!shape.ranked() || !next.ranked()) return context.set_output(0, context.dtype(2), Shape::unranked());
    context.require_rank(2 + 3 * part, shape.rank());
    const int axis = normalize_axis(int_attr(context.node(), "axis"), shape.rank());
    for (int i = 0; i < shape.rank(); ++i) {
      Dim& dim = shape[i];
      if (i == axis) {
        dim = dim.known() && next[i].known() ? Dim(dim.value + next[i].value) : Dim();
      } else if (dim.known() && next[i].known() && dim.value != next[i].value) {
        context.fail_input(2 + 3 * part, to_string(next) + " does not fit " + to_string(context.shape(2)));
      } else if (!dim.known()) {
        dim = next[i];
      }
    }
  }
  context.set_output(0, context.dtype(2), std::move(shape));
}

void eval_concat(EvalContext& context) {
  const Dims& dims = context.output(0).dims();
  const int axis = normalize_axis(int_attr(context.node(), "axis"), static_cast<int>(dims.size()));
  const int64_t outer = count_between(dims, 0, axis);
  const int64_t row = count_between(dims, axis, static_cast<int>(dims.size()));
  const float y_scale = scale_operand(context, 0);
  const int32_t y_zero = zero_point_operand(context, 1);
  visit_type(ByteTypes(), context.output(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    int64_t offset = 0;
    for (int operand = 2; operand < context.input_count(); operand += 3) {
      const Tensor& x = context.input(operand);
      std::vector<T> part(static_cast<size_t>(x.size()));
      eval_by_table<T>(
          x, scale_operand(context, operand + 1), zero_point_operand(context, operand + 2), y_scale, y_zero,
          [](float real) { return real; }, part);
      const int64_t count = outer == 0 ? 0 : x.size() / outer;
      for (int64_t o = 0; o < outer; ++o) {
        std::copy_n(part.begin() + o * count, count, context.out<T>(0).begin() + o * row + offset);
      }
      offset += count;
    }
  });
}

// Operands: the condition, then a and b with their scales and zero points, then those of the output.
void infer_where(InferContext& context) {
  require_operands(context, {0, 1, 2, 4, 5, 7});
  require_dtype(context, 0, DataType::kBool);
  require_same_dtype(context, 4, 1);
  context.set_output(0, context.dtype(1), broadcast(context.shape(0), broadcast(context.shape(1), context.shape(4))));
}

void eval_where(EvalContext& context) {
  const float y_scale = scale_operand(context, 7);
  const int32_t y_zero = zero_point_operand(context, 8);
  const auto plan = plan_broadcast<3>(context.output(0).dims(),
                                      {context.input(0).dims(), context.input(1).dims(), context.input(4).dims()});
  const bool* condition = context.in<bool>(0).data();
  visit_type(ByteTypes(), context.input(1).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const auto requantized = [&](int operand) {
      std::vector<T> result(static_cast<size_t>(context.input(operand).size()));
      eval_by_table<T>(
          context.input(operand), scale_operand(context, operand + 1), zero_point_operand(context, operand + 2),
          y_scale, y_zero, [](float real) { return real; }, result);
      return result;
    };
    const std::vector<T> a = requantized(1), b = requantized(4);
    T* y = context.out<T>(0).data();
    for_each_line(plan, [&](int64_t out, const std::array<int64_t, 3>& offsets) {
      for (int64_t i = 0; i < plan.line; ++i) {
        const bool first = condition[offsets[0] + i * plan.steps[0]];
        y[out + i] = first ? a[static_cast<size_t>(offsets[1] + i * plan.steps[1])]
                           : b[static_cast<size_t>(offsets[2] + i * plan.steps[2])];
      }
    });
  });
}

constexpr AttributeDef kLeakyReluAttributes[] = {{"alpha", 0.01F}};
constexpr AttributeDef kConcatAttributes[] = {{"axis", 0}};

template <auto kCombine>
constexpr OpDef binary(std::string_view name) {
  return {.name = name,
          .domain = "com.microsoft",
          .inputs = {2, 8},
          .infer = infer_binary,
          .eval = eval_binary<kCombine>,
          .quant = kInteger};
}

}  // namespace

extern const OpDef k_qlinear_add = binary<[](float a, float b) { return a + b; }>("QLinearAdd");
extern const OpDef k_qlinear_mul = binary<[](float a, float b) { return a * b; }>("QLinearMul");

extern const OpDef k_qlinear_leaky_relu{.name = "QLinearLeakyRelu",
                                        .domain = "com.microsoft",
                                        .inputs = {2, 5},
                                        .attributes = kLeakyReluAttributes,
                                        .infer = infer_unary,
                                        .eval = eval_leaky_relu,
                                        .quant = kInteger};

extern const OpDef k_qlinear_sigmoid{.name = "QLinearSigmoid",
                                     .domain = "com.microsoft",
                                     .inputs = {2, 5},
                                     .infer = infer_unary,
                                     .eval = eval_sigmoid,
                                     .quant = kInteger};

extern const OpDef k_qlinear_where{.name = "QLinearWhere",
                                   .domain = "com.microsoft",
                                   .inputs = {8, 9},
                                   .infer = infer_where,
                                   .eval = eval_where,
                                   .quant = kInteger};

extern const OpDef k_qlinear_concat{.name = "QLinearConcat",
                                    .domain = "com.microsoft",
                                    .inputs = {5, kMany},
                                    .attributes = kConcatAttributes,
                                    .infer = infer_concat,
                                    .eval = eval_concat,
                                    .quant = kInteger};

}  // namespace tinyc
