// GRU: z = f(x Wz + h Rz + b), r = f(x Wr + h Rr + b), n = g(x Wh + (r h) Rh + b), h' = (1 - z) n + z h.
// With linear_before_reset the candidate is n = g(x Wh + wb + r (h Rh + rb)). Gates stand in the order z, r, h.
#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/linear/forms.h"
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

  // z and r of each sample, in the first two gates; and, in the reset state that the candidate may need, r h.
  void gate(const RecurrentActivation& activation, const CellStep& step, std::span<float> sums,
            std::span<float> reset) const {
    const size_t hidden = step.hidden;
    step.weights.recurrent[0].run(static_cast<int64_t>(step.samples), step.h.data(), sums.data());
    for (size_t sample = 0; sample < step.samples; ++sample) {
      const std::span<float> z_and_r = step.gates.subspan(sample * 3 * hidden, 2 * hidden);
      for (size_t i = 0; i < z_and_r.size(); ++i) z_and_r[i] += sums[sample * 2 * hidden + i];
      clip_values(node, z_and_r);
      activation.apply(z_and_r);
      for (size_t i = 0; i < hidden; ++i) {
        reset[sample * hidden + i] = z_and_r[hidden + i] * step.h[sample * hidden + i];
      }
    }
  }

  void operator()(int64_t direction, const CellStep& step) const {
    const size_t hidden = step.hidden;
    const auto* const functions = &activations[2 * static_cast<size_t>(direction)];
    const std::span<float> sums = step.scratch.first(2 * step.samples * hidden);
    const std::span<float> reset = step.scratch.subspan(sums.size());
    gate(functions[0], step, sums, reset);
    const float* from = linear_before_reset ? step.h.data() : reset.data();
    step.weights.recurrent[1].run(static_cast<int64_t>(step.samples), from, sums.data());
    for (size_t sample = 0; sample < step.samples; ++sample) {
      const std::span<float> gates = step.gates.subspan(sample * 3 * hidden, 3 * hidden);
      const std::span<float> n = gates.last(hidden);
      const float* sum = sums.data() + sample * hidden;
      for (size_t i = 0; i < hidden; ++i) n[i] += linear_before_reset ? gates[hidden + i] * sum[i] : sum[i];
      clip_values(node, n);
      functions[1].apply(n);
      float* h = step.h.data() + sample * hidden;
      for (size_t i = 0; i < hidden; ++i) h[i] = (1.0F - gates[i]) * n[i] + gates[i] * h[i];
    }
  }
};

Cell make_cell(const Node& node, const Tensor& /*peepholes*/) {
  return GruCell{node, recurrent_activations(node, direction_count(node), kDefaults),
                 int_attr(node, "linear_before_reset") != 0};
}

constexpr CellKind kKind{.gates = 3, .has_c = false, .last_gate_apart = true, .make = make_cell};

}  // namespace

extern const OpDef k_gru{
    .name = "GRU",
    .inputs = {3, 6},
    .outputs = {0, 2},
    .attributes = kAttributes,
    .infer = [](InferContext& c) { infer_recurrent(c, kKind); },
    .eval = [](EvalContext& c) { eval_recurrent(c, kKind); },
    .prepare = [](const PrepareContext& c) { return recurrent_kernel(c, kKind); },
    .macs = recurrent_macs,
    .code = code_gru,
    .linear =
        [](const LinearOperands& o) {
          return linear_recurrent(o, kKind.gates, int_attr(o.node, "linear_before_reset") != 0 ? 3 : 2);
        },
    .axes = [](const AxesContext& c) { return recurrent_axes(c, kKind.gates); },
    .quant = recurrent_quant(QuantKind::kCompute),
};

}  // namespace tinyc
