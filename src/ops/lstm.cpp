// LSTM: i = f(x Wi + h Ri + b), f = f(x Wf + h Rf + b), n = g(x Wc + h Rc + b), c' = f c + i n, o = f(x Wo + h Ro + b),
// h' = o h(c'). Peepholes add Pi c, Pf c and Po c' to the gates; with input_forget, f = 1 - i. Gates stand in the order
// i, o, f, c, peepholes in the order i, o, f. `clip` bounds what goes into the gates' functions, as in onnxruntime, not
// the cell state.
#include <algorithm>

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
    const size_t hidden = step.h.size();
    const auto* const functions = &activations[3 * static_cast<size_t>(direction)];
    const size_t first_peephole = 3 * static_cast<size_t>(direction);
    const std::span<float> sums = step.scratch.first(step.gates.size());
    step.weights.recurrent_product(step.h, 0, sums);
    for (size_t k = 0; k < sums.size(); ++k) step.gates[k] += sums[k];
    const std::span<float> i = step.gates.first(hidden);
    const std::span<float> o = step.gates.subspan(hidden, hidden);
    const std::span<float> f = step.gates.subspan(2 * hidden, hidden);
    const std::span<float> n = step.gates.subspan(3 * hidden);
    peep(i, step.c, first_peephole);
    peep(f, step.c, first_peephole + 2);
    activate(functions[0], i);
    activate(functions[0], f);
    activate(functions[1], n);
    for (size_t k = 0; k < hidden; ++k) {
      const float kept = input_forget ? 1.0F - i[k] : f[k];
      step.c[k] = kept * step.c[k] + i[k] * n[k];
    }
    peep(o, step.c, first_peephole + 1);
    activate(functions[0], o);
    std::copy(step.c.begin(), step.c.end(), step.h.begin());
    functions[2].apply(step.h);
    for (size_t k = 0; k < hidden; ++k) step.h[k] *= o[k];
  }
};

Cell make_cell(const Node& node, const Tensor& peepholes) {
  return LstmCell{node, recurrent_activations(node, direction_count(node), kDefaults),
                  peepholes.defined() ? peepholes.to_float() : std::vector<float>(),
                  int_attr(node, "input_forget") != 0};
}

}  // namespace

extern const OpDef k_lstm{
    .name = "LSTM",
    .inputs = {3, 8},
    .outputs = {0, 3},
    .attributes = kAttributes,
    .infer = [](InferContext& c) { infer_recurrent(c, 4); },
    .eval = [](EvalContext& c) { eval_recurrent(c, make_cell, true); },
    .prepare = [](const PrepareContext& c) { return recurrent_kernel(c, make_cell, true); },
    .macs = recurrent_macs,
    .quant = recurrent_quant(),
};

}  // namespace tinyc
