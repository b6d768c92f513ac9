// Activation functions, elementwise. Each is a function of x and up to two parameters a, b: the op's attributes in the
// order of its table of attributes. Quantized: a table of 256 entries; some have a range that is known beforehand.
#include <algorithm>
#include <cmath>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/elementwise.h"
#include "ops/gelu.h"

namespace tinyc {
namespace {

template <auto kFunction>
void eval_activation(EvalContext& context) {
  if (eval_in_float(context, eval_activation<kFunction>)) return;
  const auto defs = context.node().op->attributes;
  const auto parameter = [&](size_t idx) { return idx < defs.size() ? float_attr(context.node(), defs[idx].name) : 0; };
  visit_type(FloatTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T a = parameter(0), b = parameter(1);
    const auto x = context.in<T>(0);
    std::transform(x.begin(), x.end(), context.out<T>(0).begin(), [a, b](T v) -> T { return kFunction(v, a, b); });
  });
}

constexpr QuantTraits kCompute{.kind = QuantKind::kCompute};

template <auto kFunction>
constexpr OpDef activation(std::string_view name, std::span<const AttributeDef> attributes,
                           const QuantTraits& traits = kCompute) {
  return {.name = name,
          .attributes = attributes,
          .infer = infer_same,
          .eval = eval_activation<kFunction>,
          .code = code_table,
          .axes = elementwise_axes,
          .quant = traits};
}

template <typename T>
T softplus(T x) {
  return std::max(x, T{0}) + std::log1p(std::exp(-std::abs(x)));
}

void eval_gelu(EvalContext& context) {
  if (eval_in_float(context, eval_gelu)) return;
  const bool by_tanh = string_attr(context.node(), "approximate") == "tanh";
  visit_type(FloatTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const auto x = context.in<T>(0);
    std::transform(x.begin(), x.end(), context.out<T>(0).begin(), by_tanh ? gelu_by_tanh<T> : gelu<T>);
  });
}

constexpr AttributeDef kElu[] = {{"alpha", 1.0F}};
constexpr AttributeDef kSelu[] = {{"alpha", 1.67326319217681884765625F}, {"gamma", 1.05070102214813232421875F}};
constexpr AttributeDef kCelu[] = {{"alpha", 1.0F}};
constexpr AttributeDef kHardSigmoid[] = {{"alpha", 0.2F}, {"beta", 0.5F}};
constexpr AttributeDef kThresholdedRelu[] = {{"alpha", 1.0F}};
constexpr AttributeDef kShrink[] = {{"bias", 0.0F}, {"lambd", 0.5F}};
constexpr AttributeDef kGelu[] = {{"approximate", "none"}};

constexpr QuantTraits kUnitRange{.kind = QuantKind::kFixedRange, .low = 0.0F, .high = 1.0F};
constexpr QuantTraits kSignedUnitRange{.kind = QuantKind::kFixedRange, .low = -1.0F, .high = 1.0F};

}  // namespace

extern const OpDef k_elu = activation<[](auto x, auto a, auto) { return x < 0 ? a * std::expm1(x) : x; }>("Elu", kElu);

extern const OpDef k_selu =
    activation<[](auto x, auto a, auto b) { return b * ((x > 0) ? x : a * std::expm1(x)); }>("Selu", kSelu);

extern const OpDef k_celu =
    activation<[](auto x, auto a, auto) { return (x > 0) ? x : a * std::expm1(x / a); }>("Celu", kCelu);

extern const OpDef k_hard_sigmoid = activation<[](auto x, auto a, auto b) {
  using T = decltype(x);
  return std::clamp(a * x + b, T{0}, T{1});
}>("HardSigmoid", kHardSigmoid, kUnitRange);

extern const OpDef k_hard_swish = activation<[](auto x, auto, auto) {
  using T = decltype(x);
  return x * std::clamp(x / 6 + T{0.5}, T{0}, T{1});
}>("HardSwish", {});

extern const OpDef k_softplus = activation<[](auto x, auto, auto) { return softplus(x); }>("Softplus", {});

extern const OpDef k_softsign =
    activation<[](auto x, auto, auto) { return x / (1 + std::abs(x)); }>("Softsign", {}, kSignedUnitRange);

extern const OpDef k_thresholded_relu =
    activation<[](auto x, auto a, auto) { return (x > a) ? x : decltype(x){0}; }>("ThresholdedRelu", kThresholdedRelu);

extern const OpDef k_shrink =
    activation<[](auto x, auto a, auto b) { return (x < -b) ? x + a : ((x > b) ? x - a : decltype(x){0}); }>("Shrink",
                                                                                                             kShrink);

extern const OpDef k_mish = activation<[](auto x, auto, auto) { return x * std::tanh(softplus(x)); }>("Mish", {});

extern const OpDef k_gelu{.name = "Gelu",
                          .attributes = kGelu,
                          .infer = infer_same,
                          .eval = eval_gelu,
                          .code = code_table,
                          .axes = elementwise_axes,
                          .quant = kCompute};

}  // namespace tinyc
