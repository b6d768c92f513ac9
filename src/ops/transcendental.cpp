// Exp, Erf, Sigmoid, Tanh: elementwise. Quantized: a table of 256 entries; the ranges of Sigmoid and Tanh are known.
#include <algorithm>
#include <cmath>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/element_types.h"
#include "ops/kernels/elementwise.h"

namespace tinyc {
namespace {

// Floats by the vector kernel, doubles by the C library.
template <typename Function>
void eval_unary(EvalContext& context, kernels::Function kernel, Function function) {
  if (context.input(0).dtype() == DataType::kFloat) {
    return kernels::apply(kernel, context.in<float>(0).data(), context.input(0).size(), context.out<float>(0).data());
  }
  visit_type(FloatTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const auto x = context.in<T>(0);
    std::transform(x.begin(), x.end(), context.out<T>(0).begin(), function);
  });
}

void eval_exp(EvalContext& context) {
  eval_unary(context, kernels::Function::kExp, [](auto x) { return std::exp(x); });
}

void eval_erf(EvalContext& context) {
  eval_unary(context, kernels::Function::kErf, [](auto x) { return std::erf(x); });
}

void eval_tanh(EvalContext& context) {
  eval_unary(context, kernels::Function::kTanh, [](auto x) { return std::tanh(x); });
}

void eval_sigmoid(EvalContext& context) {
  eval_unary(context, kernels::Function::kSigmoid, [](auto x) {
    using T = decltype(x);
    // The exponent is never positive, so nothing overflows.
    const T e = std::exp(-std::abs(x));
    return (x < T{0} ? e : T{1}) / (T{1} + e);
  });
}

}  // namespace

extern const OpDef k_exp{
    .name = "Exp",
    .infer = infer_same,
    .eval = eval_exp,
    .code = code_table,
    .axes = elementwise_axes,
    .quant = {.kind = QuantKind::kCompute},
};

extern const OpDef k_erf{
    .name = "Erf",
    .infer = infer_same,
    .eval = eval_erf,
    .code = code_table,
    .axes = elementwise_axes,
    .quant = {.kind = QuantKind::kCompute},
};

// Scale 1/256 over 256 steps from 0.
extern const OpDef k_sigmoid{
    .name = "Sigmoid",
    .infer = infer_same,
    .eval = eval_sigmoid,
    .code = code_table,
    .axes = elementwise_axes,
    .quant = {.kind = QuantKind::kFixedRange, .low = 0.0F, .high = 1.0F},
};

// Scale 1/128 over 256 steps from -1.
extern const OpDef k_tanh{
    .name = "Tanh",
    .infer = infer_same,
    .eval = eval_tanh,
    .code = code_table,
    .axes = elementwise_axes,
    .quant = {.kind = QuantKind::kFixedRange, .low = -1.0F, .high = 1.0F},
};

}  // namespace tinyc
