// Mod: the remainder of a / b, elementwise with broadcasting. With fmod = 0 it has the sign of b (as in Python), with
// fmod = 1 that of a (as in C).
#include <cmath>

#include "ops/common_infer.h"
#include "ops/elementwise.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"fmod", 0}};

template <typename T>
T c_remainder(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::fmod(a, b);
  } else {
    if (b == T{0}) throw Error(ErrorKind::kModel, "an integer is divided by zero");
    // The lowest integer divided by -1 has no quotient, but its remainder is that of all others.
    if (std::is_signed_v<T> && b == static_cast<T>(-1)) return T{0};
    return static_cast<T>(a % b);
  }
}

template <typename T>
T python_remainder(T a, T b) {
  const T remainder = c_remainder(a, b);
  return remainder != T{0} && (remainder < T{0}) != (b < T{0}) ? static_cast<T>(remainder + b) : remainder;
}

void eval(EvalContext& context) {
  if (int_attr(context.node(), "fmod") != 0) {
    return eval_binary<[](auto a, auto b) { return c_remainder(a, b); }, NumericTypes>(context);
  }
  eval_binary<[](auto a, auto b) { return python_remainder(a, b); }, NumericTypes>(context);
}

}  // namespace

extern const OpDef k_mod{
    .name = "Mod",
    .inputs = {2, 2},
    .attributes = kAttributes,
    .infer = infer_broadcast,
    .eval = eval,
    .quant = {.kind = QuantKind::kFloat, .why_float = "a remainder jumps where its operand moves a little"},
};

}  // namespace tinyc
