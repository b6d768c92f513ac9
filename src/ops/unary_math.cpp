// Mathematical functions of one operand, elementwise; the table at the end is the whole list.
//
// They stay in float: their values span decades, or they are sensitive to the absolute error of their operand, and none
// of them is the activation of a layer (those are in activations.cpp). Abs and Neg keep the size of their operand and
// can be computed in integers.
#include <cmath>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/elementwise.h"

namespace tinyc {
namespace {

constexpr QuantTraits kPrecise{.kind = QuantKind::kFloat,
                               .why_float = "the values of this function need more precision than integers of 8 bits"};

template <auto kFunction, typename Types = FloatTypes>
constexpr OpDef unary(std::string_view name, const QuantTraits& traits = kPrecise) {
  return {.name = name,
          .infer = infer_same,
          .eval = eval_unary<kFunction, Types>,
          .code = code_table,
          .axes = elementwise_axes,
          .quant = traits};
}

// The lowest integer has no counterpart: it stays what it is.
template <typename T>
T negative(T x) {
  if constexpr (std::is_floating_point_v<T>) {
    return -x;
  } else {
    return static_cast<T>(uint64_t{0} - static_cast<uint64_t>(x));
  }
}

constexpr QuantTraits kSized{.kind = QuantKind::kCompute, .scaling = Scaling::kElementwise};

}  // namespace

// clang-format off
extern const OpDef k_abs = unary<[](auto x) { return x < 0 ? negative(x) : x == 0 ? decltype(x){0} : x; }, NumericTypes>("Abs", kSized);
extern const OpDef k_neg = unary<[](auto x) { return negative(x); }, NumericTypes>("Neg", kSized);
extern const OpDef k_sign = unary<[](auto x) { return static_cast<decltype(x)>((x > 0) - (x < 0)); }, NumericTypes>("Sign");
extern const OpDef k_ceil = unary<[](auto x) { return std::ceil(x); }>("Ceil");
extern const OpDef k_floor = unary<[](auto x) { return std::floor(x); }>("Floor");
extern const OpDef k_round = unary<[](auto x) { return std::nearbyint(x); }>("Round");  // ties to even
extern const OpDef k_sqrt = unary<[](auto x) { return std::sqrt(x); }>("Sqrt");
extern const OpDef k_reciprocal = unary<[](auto x) { return 1 / x; }>("Reciprocal");
extern const OpDef k_log = unary<[](auto x) { return std::log(x); }>("Log");
extern const OpDef k_sin = unary<[](auto x) { return std::sin(x); }>("Sin");
extern const OpDef k_cos = unary<[](auto x) { return std::cos(x); }>("Cos");
extern const OpDef k_tan = unary<[](auto x) { return std::tan(x); }>("Tan");
extern const OpDef k_asin = unary<[](auto x) { return std::asin(x); }>("Asin");
extern const OpDef k_acos = unary<[](auto x) { return std::acos(x); }>("Acos");
extern const OpDef k_atan = unary<[](auto x) { return std::atan(x); }>("Atan");
extern const OpDef k_sinh = unary<[](auto x) { return std::sinh(x); }>("Sinh");
extern const OpDef k_cosh = unary<[](auto x) { return std::cosh(x); }>("Cosh");
extern const OpDef k_asinh = unary<[](auto x) { return std::asinh(x); }>("Asinh");
extern const OpDef k_acosh = unary<[](auto x) { return std::acosh(x); }>("Acosh");
extern const OpDef k_atanh = unary<[](auto x) { return std::atanh(x); }>("Atanh");
// clang-format on

}  // namespace tinyc
