// Max, Min, Sum, Mean of any number of operands, elementwise with broadcasting; operands are taken in their order.
// Max and Min pass a NaN on. Quantized: Max and Min choose among values of one scale.
#include <cmath>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/elementwise.h"

namespace tinyc {
namespace {

constexpr uint32_t kAllOperands = 1U | (1U << 31);
constexpr QuantTraits kChoice{.kind = QuantKind::kShared, .data_inputs = kAllOperands, .scaling = Scaling::kSum};
constexpr QuantTraits kSum{.kind = QuantKind::kCompute, .data_inputs = kAllOperands, .scaling = Scaling::kSum};

void infer(InferContext& context) {
  Shape shape = context.shape(0);
  for (int i = 1; i < context.input_count(); ++i) {
    require_same_dtype(context, i, 0);
    shape = broadcast(shape, context.shape(i));
  }
  context.set_output(0, context.dtype(0), std::move(shape));
}

// y = function(...function(x0, x1)..., xn).
template <auto kFunction, typename Types>
void eval_fold(EvalContext& context) {
  if (eval_in_float(context, eval_fold<kFunction, Types>)) return;
  visit_type(Types(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    T* y = context.out<T>(0).data();
    for (int operand = 0; operand < context.input_count(); ++operand) {
      const auto plan = plan_broadcast<1>(context.output(0).dims(), {context.input(operand).dims()});
      const T* x = context.in<T>(operand).data();
      for_each_line(plan, [&](int64_t out, const std::array<int64_t, 1>& offsets) {
        for (int64_t i = 0; i < plan.line; ++i) {
          const T value = x[offsets[0] + i * plan.steps[0]];
          y[out + i] = operand == 0 ? value : kFunction(y[out + i], value);
        }
      });
    }
  });
}

template <typename T>
bool is_nan(T x) {
  return x != x;
}

constexpr auto kAdd = [](auto a, auto b) { return a + b; };

void eval_mean(EvalContext& context) {
  if (eval_in_float(context, eval_mean)) return;
  eval_fold<kAdd, FloatTypes>(context);
  visit_type(FloatTypes(), context.output(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    for (T& y : context.out<T>(0)) y /= static_cast<T>(context.input_count());
  });
}

}  // namespace

extern const OpDef k_max{
    .name = "Max",
    .inputs = {1, kMany},
    .infer = infer,
    .eval = eval_fold<[](auto a, auto b) { return a < b || is_nan(b) ? b : a; }, NumericTypes>,
    .code = code_max,
    .axes = elementwise_axes,
    .quant = kChoice,
};

extern const OpDef k_min{
    .name = "Min",
    .inputs = {1, kMany},
    .infer = infer,
    .eval = eval_fold<[](auto a, auto b) { return b < a || is_nan(b) ? b : a; }, NumericTypes>,
    .code = code_min,
    .axes = elementwise_axes,
    .quant = kChoice,
};

extern const OpDef k_sum{.name = "Sum",
                         .inputs = {1, kMany},
                         .infer = infer,
                         .eval = eval_fold<kAdd, FloatTypes>,
                         .code = code_variadic_sum,
                         .axes = elementwise_axes,
                         .quant = kSum};

extern const OpDef k_mean{.name = "Mean",
                          .inputs = {1, kMany},
                          .infer = infer,
                          .eval = eval_mean,
                          .code = code_mean,
                          .axes = elementwise_axes,
                          .quant = kSum};

}  // namespace tinyc
