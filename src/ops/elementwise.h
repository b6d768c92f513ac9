// Evaluating elementwise ops, each from one function of its elements.
#pragma once

#include <algorithm>
#include <string>

#include "ops/broadcast.h"
#include "ops/element_types.h"
#include "ops/half_floats.h"
#include "tinyc/ops/op.h"

namespace tinyc {

using IntegerTypes = TypeList<int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t>;
using BoolType = TypeList<bool>;
using NumericOrBoolTypes =
    TypeList<float, double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t, bool>;

// y = function(x). The function takes any T of `Types`.
template <auto kFunction, typename Types>
void eval_unary(EvalContext& context) {
  if (eval_in_float(context, eval_unary<kFunction, Types>)) return;
  visit_type(Types(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    using Result = decltype(kFunction(T{}));
    const auto x = context.in<T>(0);
    std::transform(x.begin(), x.end(), context.out<Result>(0).begin(), kFunction);
  });
}

// y = function(a, b) with broadcasting; the operands have one type T of `Types`.
template <auto kFunction, typename Types>
void eval_binary(EvalContext& context) {
  if (eval_in_float(context, eval_binary<kFunction, Types>)) return;
  visit_type(Types(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    using Result = decltype(kFunction(T{}, T{}));
    const auto plan = plan_broadcast<2>(context.output(0).dims(), {context.input(0).dims(), context.input(1).dims()});
    const T* a = context.in<T>(0).data();
    const T* b = context.in<T>(1).data();
    Result* y = context.out<Result>(0).data();
    for_each_line(plan, [&](int64_t out, const std::array<int64_t, 2>& offsets) {
      for (int64_t i = 0; i < plan.line; ++i) {
        y[out + i] = kFunction(a[offsets[0] + i * plan.steps[0]], b[offsets[1] + i * plan.steps[1]]);
      }
    });
  });
}

}  // namespace tinyc
