// Pow: base ^ exponent, elementwise with broadcasting. The operands may differ in type; the result has the base's.
//
// Integers to integers are multiplied out and wrap; all else is computed in floating point: float32 for two float32
// operands, else double. Squares, as normalization layers take them, are products.
#include <cmath>

#include "ops/cast.h"
#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/elementwise.h"

namespace tinyc {
namespace {

void infer(InferContext& context) {
  context.set_output(0, context.dtype(0), broadcast(context.shape(0), context.shape(1)));
}

// By repeated squaring, modulo 2^64.
uint64_t integer_power(uint64_t base, uint64_t exponent) {
  uint64_t result = 1;
  for (; exponent != 0; exponent >>= 1, base *= base) {
    if ((exponent & 1U) != 0) result *= base;
  }
  return result;
}

template <typename T, typename E>
T power(T base, E exponent) {
  if constexpr (std::is_integral_v<T> && std::is_integral_v<E>) {
    if (exponent >= E{0}) {
      return static_cast<T>(integer_power(static_cast<uint64_t>(base), static_cast<uint64_t>(exponent)));
    }
  }
  if constexpr (std::is_floating_point_v<T>) {
    if (exponent == E{2}) return base * base;
  }
  if constexpr (std::is_same_v<T, float> && std::is_same_v<E, float>) {
    return std::pow(base, exponent);
  } else {
    return convert<T>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
}

using BaseTypes = TypeList<float, double, int32_t, int64_t>;

void eval(EvalContext& context) {
  if (eval_in_float(context, eval)) return;
  visit_type(BaseTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*base*/) {
    visit_type(NumericTypes(), context.input(1).dtype(), [&]<typename E>(std::type_identity<E> /*exponent*/) {
      const auto plan = plan_broadcast<2>(context.output(0).dims(), {context.input(0).dims(), context.input(1).dims()});
      const T* a = context.in<T>(0).data();
      const E* b = context.in<E>(1).data();
      T* y = context.out<T>(0).data();
      for_each_line(plan, [&](int64_t out, const std::array<int64_t, 2>& offsets) {
        for (int64_t i = 0; i < plan.line; ++i) {
          y[out + i] = power(a[offsets[0] + i * plan.steps[0]], b[offsets[1] + i * plan.steps[1]]);
        }
      });
    });
  });
}

}  // namespace

extern const OpDef k_pow{
    .name = "Pow",
    .inputs = {2, 2},
    .infer = infer,
    .eval = eval,
    .code = code_pow,
    .axes = elementwise_axes,
    .quant = {.kind = QuantKind::kFloat, .why_float = "a power spans more decades than integers of 8 bits"},
};

}  // namespace tinyc
