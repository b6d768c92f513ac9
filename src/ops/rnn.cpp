// RNN: h' = f(x W + h R + b).
#include "ops/recurrent.h"
#include "ops/recurrent_activation.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {kActivationAlpha, kActivationBeta, kActivations, kClip,
                                        kDirection,       kHiddenSize,     kLayout};
constexpr std::string_view kDefaults[] = {"Tanh"};

Cell make_cell(const Node& node, const Tensor& /*extra*/) {
  return [activations = recurrent_activations(node, direction_count(node), kDefaults), node](int64_t direction,
                                                                                             const CellStep& step) {
    const std::span<float> sums = step.scratch.first(step.gates.size());
    step.weights.recurrent_product(step.h, 0, sums);
    for (size_t i = 0; i < sums.size(); ++i) step.h[i] = step.gates[i] + sums[i];
    clip_values(node, step.h);
    activations[static_cast<size_t>(direction)].apply(step.h);
  };
}

}  // namespace

extern const OpDef k_rnn{
    .name = "RNN",
    .inputs = {3, 6},
    .outputs = {0, 2},
    .attributes = kAttributes,
    .infer = [](InferContext& c) { infer_recurrent(c, 1); },
    .eval = [](EvalContext& c) { eval_recurrent(c, make_cell, false); },
    .prepare = [](const PrepareContext& c) { return recurrent_kernel(c, make_cell, false); },
    .macs = recurrent_macs,
    .quant = recurrent_quant(),
};

}  // namespace tinyc
