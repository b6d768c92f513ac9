// Add, Sub, Mul, Div: elementwise with broadcasting, all numeric types; integers wrap, and integer division truncates.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "ops/broadcast.h"
#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/element_types.h"
#include "ops/kernels/elementwise.h"

namespace tinyc {
namespace {

void combine_floats(EvalContext& context, kernels::Arithmetic op, const BroadcastPlan<2>& plan, float low, float high) {
  const float* a = context.in<float>(0).data();
  const float* b = context.in<float>(1).data();
  float* y = context.out<float>(0).data();
  for_each_line(plan, [&](int64_t out, const std::array<int64_t, 2>& offsets) {
    const kernels::Line line{.a = a + offsets[0],
                             .a_moves = plan.steps[0] != 0,
                             .b = b + offsets[1],
                             .b_moves = plan.steps[1] != 0,
                             .count = plan.line,
                             .y = y + out};
    kernels::combine(op, line, low, high);
  });
}

template <kernels::Arithmetic kOp>
Kernel prepare(const PrepareContext& context) {
  if (context.inputs[0].dtype != DataType::kFloat) return {};
  auto plan = plan_broadcast<2>(*context.outputs[0].shape.known_dims(),
                                {*context.inputs[0].shape.known_dims(), *context.inputs[1].shape.known_dims()});
  return [plan = std::move(plan), low = context.clamp_low, high = context.clamp_high](EvalContext& run) {
    combine_floats(run, kOp, plan, low, high);
  };
}

template <typename Combine>
void eval_binary(EvalContext& context, kernels::Arithmetic op, Combine combine) {
  const auto plan = plan_broadcast<2>(context.output(0).dims(), {context.input(0).dims(), context.input(1).dims()});
  if (context.input(0).dtype() == DataType::kFloat) return combine_floats(context, op, plan, -INFINITY, INFINITY);
  visit_type(NumericTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T* a = context.in<T>(0).data();
    const T* b = context.in<T>(1).data();
    T* y = context.out<T>(0).data();
    for_each_line(plan, [&](int64_t out, const std::array<int64_t, 2>& offsets) {
      for (int64_t i = 0; i < plan.line; ++i) {
        y[out + i] = combine(a[offsets[0] + i * plan.steps[0]], b[offsets[1] + i * plan.steps[1]]);
      }
    });
  });
}

// Integers are combined as unsigned numbers of at least 32 bits, where overflow is defined.
template <typename Operation>
struct Wrapping {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return Operation{}(a, b);
    } else {
      using Wide = std::common_type_t<std::make_unsigned_t<T>, uint32_t>;
      return static_cast<T>(Operation{}(static_cast<Wide>(a), static_cast<Wide>(b)));
    }
  }
};

struct Quotient {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (!std::is_floating_point_v<T>) {
      if (b == T{0}) throw Error(ErrorKind::kModel, "an integer is divided by zero");
      // The one quotient that does not fit its type: -lowest wraps back to lowest.
      if (std::is_signed_v<T> && a == std::numeric_limits<T>::lowest() && b == static_cast<T>(-1)) return a;
    }
    return static_cast<T>(a / b);
  }
};

// The elements of an integer result that computes a shape, open where an operand's is. Division rounds like eval does.
template <typename Combine>
void infer_arithmetic(InferContext& context, Combine combine) {
  infer_broadcast(context);
  if (context.dtype(0) != DataType::kInt64) return;
  const auto a = context.dims_value(0), b = context.dims_value(1);
  if (!a || !b || (a->rank() != b->rank() && a->rank() != 1 && b->rank() != 1)) return;
  Shape result;
  for (int i = 0; i < (a->rank() == 1 ? b->rank() : a->rank()); ++i) {
    const Dim& left = (*a)[a->rank() == 1 ? 0 : i];
    const Dim& right = (*b)[b->rank() == 1 ? 0 : i];
    const bool known = left.known() && right.known();
    const int64_t value = known ? combine(left.value, right.value) : -1;
    result.push_back(value >= 0 ? Dim(value) : Dim());
  }
  context.set_dims_value(0, std::move(result));
}

void infer_add(InferContext& context) {
  infer_arithmetic(context, Wrapping<std::plus<>>{});
}
void infer_sub(InferContext& context) {
  infer_arithmetic(context, Wrapping<std::minus<>>{});
}
void infer_mul(InferContext& context) {
  infer_arithmetic(context, Wrapping<std::multiplies<>>{});
}
void infer_div(InferContext& context) {
  infer_arithmetic(context, [](int64_t a, int64_t b) { return b == 0 ? -1 : a / b; });
}

void eval_add(EvalContext& context) {
  eval_binary(context, kernels::Arithmetic::kAdd, Wrapping<std::plus<>>{});
}
void eval_sub(EvalContext& context) {
  eval_binary(context, kernels::Arithmetic::kSub, Wrapping<std::minus<>>{});
}
void eval_mul(EvalContext& context) {
  eval_binary(context, kernels::Arithmetic::kMul, Wrapping<std::multiplies<>>{});
}
void eval_div(EvalContext& context) {
  eval_binary(context, kernels::Arithmetic::kDiv, Quotient{});
}

}  // namespace

extern const OpDef k_add{
    .name = "Add",
    .inputs = {2, 2},
    .infer = infer_add,
    .eval = eval_add,
    .prepare = prepare<kernels::Arithmetic::kAdd>,
    .code = code_add,
    .axes = elementwise_axes,
    .fuses_clamp = true,
    .quant = {.kind = QuantKind::kCompute, .data_inputs = 0b11, .scaling = Scaling::kSum},
};

extern const OpDef k_sub{
    .name = "Sub",
    .inputs = {2, 2},
    .infer = infer_sub,
    .eval = eval_sub,
    .prepare = prepare<kernels::Arithmetic::kSub>,
    .code = code_sub,
    .axes = elementwise_axes,
    .fuses_clamp = true,
    .quant = {.kind = QuantKind::kCompute, .data_inputs = 0b11, .scaling = Scaling::kSum},
};

extern const OpDef k_mul{
    .name = "Mul",
    .inputs = {2, 2},
    .infer = infer_mul,
    .eval = eval_mul,
    .prepare = prepare<kernels::Arithmetic::kMul>,
    .code = code_mul,
    .axes = elementwise_axes,
    .fuses_clamp = true,
    .quant = {.kind = QuantKind::kCompute, .data_inputs = 0b11, .scaling = Scaling::kProduct},
};

extern const OpDef k_div{
    .name = "Div",
    .inputs = {2, 2},
    .infer = infer_div,
    .eval = eval_div,
    .prepare = prepare<kernels::Arithmetic::kDiv>,
    .code = code_div,
    .axes = elementwise_axes,
    .fuses_clamp = true,
    .quant = {.kind = QuantKind::kFloat, .why_float = "a quotient has no integer kernel"},
};

}  // namespace tinyc
