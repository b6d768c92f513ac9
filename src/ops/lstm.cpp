// LSTM: i = f(x Wi + h Ri + b), f = f(x Wf + h Rf + b), n = g(x Wc + h Rc + b), c' = f c + i n, o = f(x Wo + h Ro + b),
// h' = o h(c'). Peepholes add Pi c, Pf c and Po c' to the gates; with input_forget, f = 1 - i. Gates stand in the order
// i, o, f, c, peepholes in the order i, o, f. `clip` bounds what goes into the gates' functions, as in onnxruntime, not
// the cell state.
#include <algorithm>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/linear/forms.h"
#include "ops/recurrent.h"
#include "ops/recurrent_activation.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {kActivationAlpha, kActivationBeta, kActivations, kClip,
                                        kDirection,       kHiddenSize,     kLayout,      {"input_forget", 0}};
constexpr std::string_view kDefaults[] = {"Sigmoid", "Tanh", "Tanh"};

struct LstmCell {
  Node node;  // of which only the attributes are read
  std::vector<RecurrentActivation> activations;
  std::vector<float> peepholes;  // [directions, 3, hidden], or empty
  bool input_forget;

  void peep(std::span<float> gate, std::span<const float> c, size_t row) const {
    if (peepholes.empty()) return;
    const float* weights = peepholes.data() + row * gate.size();
    for (size_t i = 0; i < gate.size(); ++i) gate[i] += weights[i] * c[i];
  }

  void activate(const RecurrentActivation& activation, std::span<float> values) const {
    clip_values(node, values);
    activation.apply(values);
  }

  void operator()(int64_t direction, const CellStep& step) const {
    const size_t hidden = step.hidden;
    step.weights.recurrent[0].run(static_cast<int64_t>(step.samples), step.h.data(), step.scratch.data());
    for (size_t k = 0; k < step.gates.size(); ++k) step.gates[k] += step.scratch[k];
    for (size_t sample = 0; sample < step.samples; ++sample) {
      finish(static_cast<size_t>(direction), step.gates.subspan(sample * 4 * hidden, 4 * hidden),
             step.h.subspan(sample * hidden, hidden), step.c.subspan(sample * hidden, hidden));
    }
  }

  // From the gates' sums to the next states, for one sample.
  void finish(size_t direction, std::span<float> gates, std::span<float> h, std::span<float> c) const {
    const size_t hidden = h.size();
    const auto* const functions = &activations[3 * direction];
    const size_t first_peephole = 3 * direction;
    const std::span<float> i = gates.first(hidden);
    const std::span<float> o = gates.subspan(hidden, hidden);
    const std::span<float> f = gates.subspan(2 * hidden, hidden);
    const std::span<float> n = gates.subspan(3 * hidden);
    peep(i, c, first_peephole);
    peep(f, c, first_peephole + 2);
    activate(functions[0], i);
    activate(functions[0], f);
    activate(functions[1], n);
    for (size_t k = 0; k < hidden; ++k) {
      const float kept = input_forget ? 1.0F - i[k] : f[k];
      c[k] = kept * c[k] + i[k] * n[k];
    }
    peep(o, c, first_peephole + 1);
    activate(functions[0], o);
    std::copy(c.begin(), c.end(), h.begin());
    functions[2].apply(h);
    for (size_t k = 0; k < hidden; ++k) h[k] *= o[k];
  }
};

Cell make_cell(const Node& node, const Tensor& peepholes) {
  return LstmCell{node, recurrent_activations(node, direction_count(node), kDefaults),
                  peepholes.defined() ? peepholes.to_float() : std::vector<float>(),
                  int_attr(node, "input_forget") != 0};
}

constexpr CellKind kKind{.gates = 4, .has_c = true, .last_gate_apart = false, .make = make_cell};

}  // namespace

extern const OpDef k_lstm{
    .name = "LSTM",
    .inputs = {3, 8},
    .outputs = {0, 3},
    .attributes = kAttributes,
    .infer = [](InferContext& c) { infer_recurrent(c, kKind); },
    .eval = [](EvalContext& c) { eval_recurrent(c, kKind); },
    .prepare = [](const PrepareContext& c) { return recurrent_kernel(c, kKind); },
    .macs = recurrent_macs,
    .code = code_lstm,
    .linear = [](const LinearOperands& o) { return linear_recurrent(o, kKind.gates, kKind.gates); },
    .axes = [](const AxesContext& c) { return recurrent_axes(c, kKind.gates); },
    .quant = recurrent_quant(QuantKind::kCompute),
};

}  // namespace tinyc
