// Relu: y = max(x, 0). Clip: y = min(max(x, low), high), bounds optional operands. LeakyRelu: y = x < 0 ? alpha * x :
// x. PRelu: the same with a slope operand broadcast to x. Quantized, Relu and Clip fold into the range of their
// producer.
#include <algorithm>
#include <limits>

#include "ops/broadcast.h"
#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/element_types.h"
#include "ops/kernels/elementwise.h"

namespace tinyc {
namespace {

constexpr AttributeDef kLeakyReluAttributes[] = {{"alpha", 0.01F}};

using SlopeTypes = TypeList<float, double, int32_t, int64_t, uint32_t, uint64_t>;

template <typename T>
constexpr T kLowest = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                           : std::numeric_limits<T>::lowest();
template <typename T>
constexpr T kHighest = std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity()
                                                            : std::numeric_limits<T>::max();

void eval_clamp(EvalContext& context, float low, float high) {
  kernels::clamp_all(context.in<float>(0).data(), context.input(0).size(), low, high, context.out<float>(0).data());
}

void eval_relu(EvalContext& context) {
  if (context.input(0).dtype() == DataType::kFloat) return eval_clamp(context, 0.0F, kHighest<float>);
  visit_type(NumericTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const auto x = context.in<T>(0);
    std::transform(x.begin(), x.end(), context.out<T>(0).begin(), [](T v) { return v < T{0} ? T{0} : v; });
  });
}

template <typename T>
T bound(const EvalContext& context, int idx, T absent) {
  if (!context.has_input(idx)) return absent;
  const auto operand = context.in<T>(idx);
  if (operand.size() != 1) {
    throw Error(ErrorKind::kModel, "operand " + std::to_string(idx) + " has " + std::to_string(operand.size()) +
                                       " elements, expected one");
  }
  return operand[0];
}

void infer_clip(InferContext& context) {
  require_same_dtype(context, 1);
  require_same_dtype(context, 2);
  infer_same(context);
}

void eval_clip(EvalContext& context) {
  if (context.input(0).dtype() == DataType::kFloat) {
    return eval_clamp(context, bound(context, 1, kLowest<float>), bound(context, 2, kHighest<float>));
  }
  visit_type(NumericTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T low = bound(context, 1, kLowest<T>);
    const T high = bound(context, 2, kHighest<T>);
    const auto x = context.in<T>(0);
    // Not std::clamp: low may lie above high, and then high wins.
    std::transform(x.begin(), x.end(), context.out<T>(0).begin(), [low, high](T v) {
      const T raised = v < low ? low : v;
      return raised > high ? high : raised;
    });
  });
}

void eval_leaky_relu(EvalContext& context) {
  if (context.input(0).dtype() == DataType::kFloat) {
    const float alpha = float_attr(context.node(), "alpha");
    return kernels::leak({.a = context.in<float>(0).data(),
                          .b = &alpha,
                          .b_moves = false,
                          .count = context.input(0).size(),
                          .y = context.out<float>(0).data()});
  }
  visit_type(FloatTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const auto alpha = static_cast<T>(float_attr(context.node(), "alpha"));
    const auto x = context.in<T>(0);
    std::transform(x.begin(), x.end(), context.out<T>(0).begin(), [alpha](T v) { return v < T{0} ? alpha * v : v; });
  });
}

void infer_prelu(InferContext& context) {
  require_same_dtype(context, 1);
  const Shape& x = context.shape(0);
  const Shape& slope = context.shape(1);
  if (x.ranked() && slope.ranked()) {
    bool fits = slope.rank() <= x.rank();
    for (int i = 1; fits && i <= slope.rank(); ++i) {
      const Dim& dim = slope[slope.rank() - i];
      const Dim& of_x = x[x.rank() - i];
      fits = !dim.known() || dim.value == 1 || !of_x.known() || dim.value == of_x.value;
    }
    if (!fits) context.fail_input(1, to_string(slope) + " does not broadcast to " + to_string(x));
  }
  infer_same(context);
}

void eval_prelu(EvalContext& context) {
  const auto plan = plan_broadcast<1>(context.input(0).dims(), {context.input(1).dims()});
  if (context.input(0).dtype() == DataType::kFloat) {
    return for_each_line(plan, [&](int64_t out, const std::array<int64_t, 1>& offsets) {
      kernels::leak({.a = context.in<float>(0).data() + out,
                     .b = context.in<float>(1).data() + offsets[0],
                     .b_moves = plan.steps[0] != 0,
                     .count = plan.line,
                     .y = context.out<float>(0).data() + out});
    });
  }
  visit_type(SlopeTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T* x = context.in<T>(0).data();
    const T* slope = context.in<T>(1).data();
    T* y = context.out<T>(0).data();
    for_each_line(plan, [&](int64_t out, const std::array<int64_t, 1>& offsets) {
      for (int64_t i = 0; i < plan.line; ++i) {
        const T v = x[out + i];
        y[out + i] = v < T{0} ? static_cast<T>(slope[offsets[0] + i * plan.steps[0]] * v) : v;
      }
    });
  });
}

}  // namespace

extern const OpDef k_relu{
    .name = "Relu",
    .infer = infer_same,
    .eval = eval_relu,
    .code = code_table,
    .axes = elementwise_axes,
    .quant = {.kind = QuantKind::kClamp, .scaling = Scaling::kElementwise},
};

extern const OpDef k_clip{
    .name = "Clip",
    .inputs = {1, 3},
    .infer = infer_clip,
    .eval = eval_clip,
    .code = code_table,
    .axes = elementwise_axes,
    .quant = {.kind = QuantKind::kClamp, .scaling = Scaling::kClamp},
};

extern const OpDef k_leaky_relu{
    .name = "LeakyRelu",
    .attributes = kLeakyReluAttributes,
    .infer = infer_same,
    .eval = eval_leaky_relu,
    .code = code_table,
    .axes = elementwise_axes,
    .quant = {.kind = QuantKind::kCompute, .scaling = Scaling::kElementwise},
};

extern const OpDef k_prelu{
    .name = "PRelu",
    .inputs = {2, 2},
    .infer = infer_prelu,
    .eval = eval_prelu,
    .code = code_prelu,
    .axes = elementwise_axes,
    .quant = {.kind = QuantKind::kCompute, .scaling = Scaling::kElementwise},
};

}  // namespace tinyc
