// GRU: z = f(x Wz + h Rz + b), r = f(x Wr + h Rr + b), n = g(x Wh + (r h) Rh + b), h' = (1 - z) n + z h.
// With linear_before_reset the candidate is n = g(x Wh + wb + r (h Rh + rb)). Gates stand in the order z, r, h.
#include "ops/recurrent.h"
#include "ops/recurrent_activation.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {kActivationAlpha, kActivationBeta, kActivations, kClip,
                                        kDirection,       kHiddenSize,     kLayout,      {"linear_before_reset", 0}};
constexpr std::string_view kDefaults[] = {"Sigmoid", "Tanh"};

struct GruCell {
  Node node;  // of which only the attributes are read
  std::vector<RecurrentActivation> activations;
  bool linear_before_reset;

  // The recurrent part of the candidate.
  void candidate(const CellStep& step, std::span<const float> r, std::span<float> reset, std::span<float> out) const {
    const auto first = static_cast<int64_t>(2 * step.h.size());
    if (linear_before_reset) {
      step.weights.recurrent_product(step.h, first, out);
      for (size_t i = 0; i < out.size(); ++i) out[i] *= r[i];
      return;
    }
    for (size_t i = 0; i < reset.size(); ++i) reset[i] = r[i] * step.h[i];
    step.weights.recurrent_product(reset, first, out);
  }

  void operator()(int64_t direction, const CellStep& step) const {
    const size_t hidden = step.h.size();
    const auto* const functions = &activations[2 * static_cast<size_t>(direction)];
    const std::span<float> z_and_r = step.gates.first(2 * hidden);
    const std::span<float> n = step.gates.subspan(2 * hidden);
    const std::span<float> sums = step.scratch.first(2 * hidden);
    step.weights.recurrent_product(step.h, 0, sums);
    for (size_t i = 0; i < z_and_r.size(); ++i) z_and_r[i] += sums[i];
    clip_values(node, z_and_r);
    functions[0].apply(z_and_r);
    const std::span<const float> z = z_and_r.first(hidden);
    candidate(step, z_and_r.subspan(hidden), sums.subspan(hidden), sums.first(hidden));
    for (size_t i = 0; i < hidden; ++i) n[i] += sums[i];
    clip_values(node, n);
    functions[1].apply(n);
    for (size_t i = 0; i < hidden; ++i) step.h[i] = (1.0F - z[i]) * n[i] + z[i] * step.h[i];
  }
};

Cell make_cell(const Node& node, const Tensor& /*extra*/) {
  return GruCell{node, recurrent_activations(node, direction_count(node), kDefaults),
                 int_attr(node, "linear_before_reset") != 0};
}

}  // namespace

extern const OpDef k_gru{
    .name = "GRU",
    .inputs = {3, 6},
    .outputs = {0, 2},
    .attributes = kAttributes,
    .infer = [](InferContext& c) { infer_recurrent(c, 3); },
    .eval = [](EvalContext& c) { eval_recurrent(c, make_cell, false); },
    .prepare = [](const PrepareContext& c) { return recurrent_kernel(c, make_cell, false); },
    .macs = recurrent_macs,
    .quant = recurrent_quant(),
};

}  // namespace tinyc
