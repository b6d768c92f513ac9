// RNN: h' = f(x W + h R + b).
#include "ops/common_axes.h"
#include "ops/linear/forms.h"
#include "ops/recurrent.h"
#include "ops/recurrent_activation.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {kActivationAlpha, kActivationBeta, kActivations, kClip,
                                        kDirection,       kHiddenSize,     kLayout};
constexpr std::string_view kDefaults[] = {"Tanh"};

Cell make_cell(const Node& node, const Tensor& /*peepholes*/) {
  return [activations = recurrent_activations(node, direction_count(node), kDefaults), node](int64_t direction,
                                                                                             const CellStep& step) {
    step.weights.recurrent[0].run(static_cast<int64_t>(step.samples), step.h.data(), step.scratch.data());
    for (size_t i = 0; i < step.h.size(); ++i) step.h[i] = step.gates[i] + step.scratch[i];
    clip_values(node, step.h);
    activations[static_cast<size_t>(direction)].apply(step.h);
  };
}

constexpr CellKind kKind{.gates = 1, .has_c = false, .last_gate_apart = false, .make = make_cell};

}  // namespace

extern const OpDef k_rnn{
    .name = "RNN",
    .inputs = {3, 6},
    .outputs = {0, 2},
    .attributes = kAttributes,
    .infer = [](InferContext& c) { infer_recurrent(c, kKind); },
    .eval = [](EvalContext& c) { eval_recurrent(c, kKind); },
    .prepare = [](const PrepareContext& c) { return recurrent_kernel(c, kKind); },
    .macs = recurrent_macs,
    .linear = [](const LinearOperands& o) { return linear_recurrent(o, kKind.gates, kKind.gates); },
    .axes = [](const AxesContext& c) { return recurrent_axes(c, kKind.gates); },
    .quant = recurrent_quant(QuantKind::kWeightsOnly),
};

}  // namespace tinyc
