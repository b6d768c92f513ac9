// com.microsoft Gelu, BiasGelu, FastGelu and QuickGelu: what onnxruntime's optimizer fuses out of transformers.
// BiasGelu and FastGelu add a bias along the last axis first; FastGelu approximates by tanh, QuickGelu by a sigmoid.
#include <cmath>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/elementwise.h"
#include "ops/gelu.h"

namespace tinyc {
namespace {

// y = function(x + bias); the bias is operand 1, if there is one.
template <auto kFunction>
void eval_biased(EvalContext& context) {
  if (eval_in_float(context, eval_biased<kFunction>)) return;
  if (!context.has_input(1)) return eval_unary<kFunction, FloatTypes>(context);
  eval_binary<[](auto x, auto bias) { return kFunction(x + bias); }, FloatTypes>(context);
}

constexpr auto kExact = [](auto x) { return gelu(x); };
constexpr auto kByTanh = [](auto x) { return gelu_by_tanh(x); };

void infer_biased(InferContext& context) {
  const Shape& x = context.shape(0);
  const Shape& bias = context.shape(1);
  if (context.has_input(1) && x.ranked() && bias.ranked()) {
    context.require_rank(1, 1);
    const bool fits = x.rank() > 0 && (!bias[0].known() || !x[x.rank() - 1].known() || bias[0] == x[x.rank() - 1]);
    if (!fits) context.fail_input(1, to_string(bias) + " does not run along the last axis of " + to_string(x));
  }
  require_same_dtype(context, 1, 0);
  infer_same(context);
}

void eval_quick(EvalContext& context) {
  if (eval_in_float(context, eval_quick)) return;
  const float alpha = float_attr(context.node(), "alpha");
  visit_type(FloatTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const auto x = context.in<T>(0);
    std::transform(x.begin(), x.end(), context.out<T>(0).begin(),
                   [alpha](T v) { return static_cast<T>(v / (1 + std::exp(-alpha * v))); });
  });
}

constexpr AttributeDef kQuickAttributes[] = {{"alpha", 1.702F}};
constexpr QuantTraits kCompute{.kind = QuantKind::kCompute};
constexpr QuantTraits kBiased{.kind = QuantKind::kFloat, .why_float = "the fused bias has no integer kernel"};

}  // namespace

extern const OpDef k_contrib_gelu{.name = "Gelu",
                                  .domain = "com.microsoft",
                                  .infer = infer_same,
                                  .eval = eval_unary<kExact, FloatTypes>,
                                  .code = code_table,
                                  .axes = elementwise_axes,
                                  .quant = kCompute};

extern const OpDef k_bias_gelu{.name = "BiasGelu",
                               .domain = "com.microsoft",
                               .inputs = {2, 2},
                               .infer = infer_biased,
                               .eval = eval_biased<kExact>,
                               .axes = elementwise_axes,
                               .quant = kBiased};

extern const OpDef k_fast_gelu{.name = "FastGelu",
                               .domain = "com.microsoft",
                               .inputs = {1, 2},
                               .infer = infer_biased,
                               .eval = eval_biased<kByTanh>,
                               .axes = elementwise_axes,
                               .quant = kBiased};

extern const OpDef k_quick_gelu{.name = "QuickGelu",
                                .domain = "com.microsoft",
                                .attributes = kQuickAttributes,
                                .infer = infer_same,
                                .eval = eval_quick,
                                .code = code_table,
                                .axes = elementwise_axes,
                                .quant = kCompute};

}  // namespace tinyc
