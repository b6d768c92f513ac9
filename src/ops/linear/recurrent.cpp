// RNN, GRU and LSTM as products: of W with the inputs, of R with the hidden states before each step, which are the
// results Y one step back (or on, in the reverse direction). A group is a direction, a position a step of a sample that
// its sequence has. A GRU whose candidate multiplies R with the reset state shows R's other gates only: the reset state
// is no value of the graph.
#include "ops/recurrent.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "ops/linear/forms.h"

namespace tinyc {
namespace {

using namespace recurrent_operands;

const Tensor& given(std::span<const Tensor> tensors, int idx) {
  static const Tensor kAbsent;
  return idx < static_cast<int>(tensors.size()) ? tensors[static_cast<size_t>(idx)] : kAbsent;
}

struct Sequences {
  bool batch_first, reverse;
  int64_t directions, steps, batch, inputs, hidden;
  std::vector<int64_t> lengths;                     // by sample
  std::vector<std::pair<int64_t, int64_t>> places;  // by position: step, sample

  explicit Sequences(const LinearOperands& operands)
      : batch_first(is_batch_first(operands.node)),
        reverse(string_attr(operands.node, "direction") == "reverse"),
        directions(operands.inputs[kW].dims()[0]),
        steps(operands.inputs[kX].dims()[batch_first ? 1 : 0]),
        batch(operands.inputs[kX].dims()[batch_first ? 0 : 1]),
        inputs(operands.inputs[kX].dims()[2]),
        hidden(operands.inputs[kR].dims()[2]),
        lengths(static_cast<size_t>(batch), steps) {
    if (given(operands.inputs, kLengths).defined()) lengths = operands.inputs[kLengths].to_int64();
    for (int64_t step = 0; step < steps; ++step) {
      for (int64_t sample = 0; sample < batch; ++sample) {
        if (step < lengths[static_cast<size_t>(sample)]) places.emplace_back(step, sample);
      }
    }
  }

  int64_t x_row(int64_t step, int64_t sample) const {
    return batch_first ? sample * steps + step : step * batch + sample;
  }
  int64_t y_row(int64_t step, int64_t direction, int64_t sample) const {
    return batch_first ? (sample * steps + step) * directions + direction
                       : (step * directions + direction) * batch + sample;
  }
  int64_t state_row(int64_t direction, int64_t sample) const {
    return batch_first ? sample * directions + direction : direction * batch + sample;
  }
};

// The hidden state that a step starts from.
struct HiddenStates {
  Sequences sequences;
  Tensor y, initial;

  const float* before(int64_t direction, int64_t step, int64_t sample) const {
    const bool backwards = direction == 1 || sequences.reverse;
    const int64_t last = sequences.lengths[static_cast<size_t>(sample)] - 1;
    const bool is_first = step == (backwards ? last : 0);
    if (!is_first) {
      return y.data<float>().data() +
             sequences.y_row(step + (backwards ? 1 : -1), direction, sample) * sequences.hidden;
    }
    if (!initial.defined()) return nullptr;
    return initial.data<float>().data() + sequences.state_row(direction, sample) * sequences.hidden;
  }
};

// Y; where the node does not hand it out, it is computed.
Tensor states_of(const LinearOperands& operands, const Sequences& sequences) {
  const Tensor& given_states = given(operands.outputs, 0);
  if (given_states.defined()) return given_states;
  for (const int weight : {kW, kR}) {
    if (operands.inputs[static_cast<size_t>(weight)].dtype() != DataType::kFloat) return {};
  }
  const auto& [steps, directions, batch] = std::tie(sequences.steps, sequences.directions, sequences.batch);
  const Dims dims = sequences.batch_first ? Dims{batch, steps, directions, sequences.hidden}
                                          : Dims{steps, directions, batch, sequences.hidden};
  Node node = operands.node;
  node.outputs = {ValueId{0}};
  std::vector<Tensor> outputs{Tensor::zeros(DataType::kFloat, dims)};
  std::vector<std::byte> scratch;
  const EvalContext::RunSubgraph no_subgraphs;
  EvalContext context(node, operands.inputs, outputs, scratch, no_subgraphs);
  node.op->eval(context);
  return outputs[0];
}

bool fits(const LinearOperands& operands) {
  const Tensor& x = operands.inputs[kX];
  return x.dtype() == DataType::kFloat && x.rank() == 3 && operands.inputs[kW].rank() == 3 &&
         operands.inputs[kR].rank() == 3;
}

LinearForm form_of(const Sequences& sequences, int64_t columns, int64_t gates) {
  LinearForm form;
  form.groups = sequences.directions;
  form.rows = gates * sequences.hidden;
  form.columns = columns;
  form.group_stride = form.rows * columns;
  form.row_stride = columns;
  form.column_offsets.resize(static_cast<size_t>(columns));
  std::iota(form.column_offsets.begin(), form.column_offsets.end(), 0);
  form.bias = kB;
  form.bias_group_stride = 2 * form.rows;
  form.bias_size = sequences.directions * 2 * form.rows;
  form.positions = static_cast<int64_t>(sequences.places.size());
  return form;
}

}  // namespace

std::optional<LinearForm> linear_recurrent(const LinearOperands& operands, int64_t gates, int64_t plain_gates) {
  if (!fits(operands)) return std::nullopt;
  const Sequences sequences(operands);
  if (operands.weight == kW) {
    LinearForm form = form_of(sequences, sequences.inputs, gates);
    form.gather = [sequences, x = operands.inputs[kX]](int64_t /*group*/, int64_t first, int64_t count, float* out,
                                                       int64_t stride) {
      for (int64_t p = first; p < first + count; ++p, out += stride) {
        const auto& [step, sample] = sequences.places[static_cast<size_t>(p)];
        std::copy_n(x.data<float>().data() + sequences.x_row(step, sample) * sequences.inputs, sequences.inputs, out);
      }
    };
    return form;
  }
  if (operands.weight != kR) return std::nullopt;
  const Tensor y = states_of(operands, sequences);
  if (y.dtype() != DataType::kFloat) return std::nullopt;
  LinearForm form = form_of(sequences, sequences.hidden, gates);
  form.bias_first = form.rows;
  form.rows = plain_gates * sequences.hidden;
  form.gather = [states = HiddenStates{sequences, y, given(operands.inputs, kInitialH)}](
                    int64_t group, int64_t first, int64_t count, float* out, int64_t stride) {
    for (int64_t p = first; p < first + count; ++p, out += stride) {
      const auto& [step, sample] = states.sequences.places[static_cast<size_t>(p)];
      const float* before = states.before(group, step, sample);
      if (before != nullptr) std::copy_n(before, states.sequences.hidden, out);
      if (before == nullptr) std::fill_n(out, states.sequences.hidden, 0.0F);
    }
  };
  return form;
}

}  // namespace tinyc
