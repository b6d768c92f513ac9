// Add, Sub, Mul, Div: elementwise with broadcasting, all numeric types; integers wrap, and integer division truncates.
#include <functional>
#include <limits>

#include "ops/broadcast.h"
#include "ops/common_infer.h"
#include "ops/element_types.h"

namespace tinyc {
namespace {

template <typename Combine>
void eval_binary(EvalContext& context, Combine combine) {
  const auto plan = plan_broadcast<2>(context.output(0).dims(), {context.input(0).dims(), context.input(1).dims()});
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

void eval_add(EvalContext& context) {
  eval_binary(context, Wrapping<std::plus<>>{});
}
void eval_sub(EvalContext& context) {
  eval_binary(context, Wrapping<std::minus<>>{});
}
void eval_mul(EvalContext& context) {
  eval_binary(context, Wrapping<std::multiplies<>>{});
}
void eval_div(EvalContext& context) {
  eval_binary(context, Quotient{});
}

}  // namespace

extern constinit const OpDef k_add{
    .name = "Add",
    .inputs = {2, 2},
    .infer = infer_broadcast,
    .eval = eval_add,
    .quant = {.kind = QuantKind::kCompute, .data_inputs = 0b11},
};

extern constinit const OpDef k_sub{
    .name = "Sub",
    .inputs = {2, 2},
    .infer = infer_broadcast,
    .eval = eval_sub,
    .quant = {.kind = QuantKind::kCompute, .data_inputs = 0b11},
};

extern constinit const OpDef k_mul{
    .name = "Mul",
    .inputs = {2, 2},
    .infer = infer_broadcast,
    .eval = eval_mul,
    .quant = {.kind = QuantKind::kCompute, .data_inputs = 0b11},
};

extern constinit const OpDef k_div{
    .name = "Div",
    .inputs = {2, 2},
    .infer = infer_broadcast,
    .eval = eval_div,
    .quant = {.kind = QuantKind::kFloat, .why_float = "a quotient has no integer kernel"},
};

}  // namespace tinyc
