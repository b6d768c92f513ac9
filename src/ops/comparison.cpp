// Equal, Greater, GreaterOrEqual, Less, LessOrEqual: elementwise with broadcasting, to bool. And IsNaN, IsInf.
#include <cmath>

#include "ops/common_infer.h"
#include "ops/elementwise.h"

namespace tinyc {
namespace {

constexpr QuantTraits kTruth{.kind = QuantKind::kFloat, .why_float = "its result is a truth value"};

void infer_comparison(InferContext& context) {
  infer_broadcast(context);
  context.set_output(0, DataType::kBool, broadcast(context.shape(0), context.shape(1)));
}

template <auto kFunction, typename Types = NumericTypes>
constexpr OpDef comparison(std::string_view name) {
  return {.name = name,
          .inputs = {2, 2},
          .infer = infer_comparison,
          .eval = eval_binary<kFunction, Types>,
          .quant = kTruth};
}

void infer_test(InferContext& context) {
  context.set_output(0, DataType::kBool, context.shape(0));
}

void eval_is_inf(EvalContext& context) {
  if (eval_in_float(context, eval_is_inf)) return;
  const bool positive = int_attr(context.node(), "detect_positive") != 0;
  const bool negative = int_attr(context.node(), "detect_negative") != 0;
  visit_type(FloatTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const auto x = context.in<T>(0);
    std::transform(x.begin(), x.end(), context.out<bool>(0).begin(),
                   [positive, negative](T v) { return std::isinf(v) && (v > 0 ? positive : negative); });
  });
}

constexpr AttributeDef kIsInfAttributes[] = {{"detect_negative", 1}, {"detect_positive", 1}};

}  // namespace

extern const OpDef k_equal = comparison<[](auto a, auto b) { return (a == b); }, NumericOrBoolTypes>("Equal");
extern const OpDef k_greater = comparison<[](auto a, auto b) { return (a > b); }>("Greater");
extern const OpDef k_greater_or_equal = comparison<[](auto a, auto b) { return (a >= b); }>("GreaterOrEqual");
extern const OpDef k_less = comparison<[](auto a, auto b) { return (a < b); }>("Less");
extern const OpDef k_less_or_equal = comparison<[](auto a, auto b) { return (a <= b); }>("LessOrEqual");

extern const OpDef k_is_nan{.name = "IsNaN",
                            .infer = infer_test,
                            .eval = eval_unary<[](auto x) { return std::isnan(x); }, FloatTypes>,
                            .quant = kTruth};

extern const OpDef k_is_inf{
    .name = "IsInf", .attributes = kIsInfAttributes, .infer = infer_test, .eval = eval_is_inf, .quant = kTruth};

}  // namespace tinyc
