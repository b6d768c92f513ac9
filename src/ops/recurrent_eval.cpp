// The walk of RNN, GRU and LSTM over directions and steps, and the packing of their weights. See recurrent.h.
#include <algorithm>
#include <limits>

#include "ops/float_io.h"
#include "ops/recurrent.h"

namespace tinyc {
namespace {

using namespace recurrent_operands;

// The dims and the operands of one evaluation.
struct Run {
  bool batch_first;
  size_t directions, steps, batch, inputs, columns, hidden;
  FloatInput x;
  std::vector<size_t> lengths;  // by sample

  explicit Run(const EvalContext& c)
      : batch_first(is_batch_first(c.node())),
        directions(static_cast<size_t>(c.input(kW).dims()[0])),
        steps(static_cast<size_t>(c.input(kX).dims()[batch_first ? 1 : 0])),
        batch(static_cast<size_t>(c.input(kX).dims()[batch_first ? 0 : 1])),
        inputs(static_cast<size_t>(c.input(kX).dims()[2])),
        columns(static_cast<size_t>(c.input(kW).dims()[1])),
        hidden(static_cast<size_t>(c.input(kR).dims()[2])),
        x(c.input(kX)),
        lengths(batch, steps) {
    if (!c.has_input(kLengths)) return;
    const auto given = c.input(kLengths).to_int64();
    for (size_t i = 0; i < batch; ++i) {
      if (given[i] < 0 || given[i] > static_cast<int64_t>(steps)) {
        throw Error(ErrorKind::kModel,
                    "a sequence is " + std::to_string(given[i]) + " long, of " + std::to_string(steps));
      }
      lengths[i] = static_cast<size_t>(given[i]);
    }
  }

  size_t x_row(size_t step, size_t sample) const {
    return (batch_first ? sample * steps + step : step * batch + sample) * inputs;
  }
  size_t y_row(size_t step, size_t direction, size_t sample) const {
    return (batch_first ? (sample * steps + step) * directions + direction
                        : (step * directions + direction) * batch + sample) *
           hidden;
  }
  size_t state_row(size_t direction, size_t sample) const {
    return (batch_first ? sample * directions + direction : direction * batch + sample) * hidden;
  }
  // Step number `count` of a sample, counted in the direction of the walk.
  size_t place(size_t count, size_t sample, bool reverse) const {
    return reverse ? lengths[sample] - 1 - count : count;
  }
};

// An optional state operand [batch, hidden] of one direction, zeros when absent.
std::vector<float> load_state(const EvalContext& c, int idx, const Run& run, size_t direction) {
  std::vector<float> state(run.batch * run.hidden, 0.0F);
  if (!c.has_input(idx)) return state;
  const FloatInput initial(c.input(idx));
  for (size_t sample = 0; sample < run.batch; ++sample) {
    std::copy_n(initial.data() + run.state_row(direction, sample), run.hidden, state.data() + sample * run.hidden);
  }
  return state;
}

// An output that the node may leave out.
class OptionalOutput {
 public:
  OptionalOutput(EvalContext& c, int idx) {
    if (!c.has_output(idx)) return;
    output_.emplace(c.output(idx));
    std::fill(output_->values().begin(), output_->values().end(), 0.0F);
  }
  void put(size_t row, std::span<const float> values) {
    if (output_) std::copy(values.begin(), values.end(), output_->data() + row);
  }
  void store() {
    if (output_) output_->store();
  }

 private:
  std::optional<FloatOutput> output_;
};

// All samples in one direction.
class Walker {
 public:
  Walker(const Run& run, const RecurrentWeights& weights, size_t direction, bool reverse)
      : run_(run), weights_(weights), direction_(direction), reverse_(reverse) {
    constexpr size_t kGatesAtOnce = size_t{1} << 20;
    chunk_ = std::clamp<size_t>(kGatesAtOnce / std::max<size_t>(run.batch * run.columns, 1), 1,
                                std::max<size_t>(run.steps, 1));
    scratch_.resize(run.batch * run.columns);
  }

  void walk(const Cell& cell, std::span<float> h, std::span<float> c, OptionalOutput& y) {
    for (size_t first = 0; first < run_.steps; first += chunk_) {
      const size_t count = std::min(chunk_, run_.steps - first);
      multiply_inputs(first, count);
      for (size_t i = 0; i < count; ++i) step(cell, first + i, i * run_.batch * run_.columns, h, c, y);
    }
  }

 private:
  // gates_ [count, batch, columns] = X * W + bias of the steps from `first` on; of ended sequences it is not read.
  void multiply_inputs(size_t first, size_t count) {
    rows_.resize(count * run_.batch * run_.inputs);
    gates_.resize(count * run_.batch * run_.columns);
    for (size_t row = 0; row < count * run_.batch; ++row) {
      const size_t at = first + row / run_.batch;
      const size_t sample = row % run_.batch;
      const size_t from = run_.x_row(at < run_.lengths[sample] ? run_.place(at, sample, reverse_) : 0, sample);
      std::copy_n(run_.x.data() + from, run_.inputs, rows_.data() + row * run_.inputs);
    }
    weights_.input.run(static_cast<int64_t>(count * run_.batch), rows_.data(), gates_.data());
  }

  void step(const Cell& cell, size_t count, size_t gates, std::span<float> h, std::span<float> c, OptionalOutput& y) {
    h_before_.assign(h.begin(), h.end());
    c_before_.assign(c.begin(), c.end());
    cell(static_cast<int64_t>(direction_),
         {weights_, run_.batch, run_.hidden, std::span(gates_).subspan(gates, run_.batch * run_.columns), h, c,
          scratch_});
    for (size_t sample = 0; sample < run_.batch; ++sample) {
      const size_t row = sample * run_.hidden;
      if (count < run_.lengths[sample]) {
        y.put(run_.y_row(run_.place(count, sample, reverse_), direction_, sample), h.subspan(row, run_.hidden));
        continue;
      }
      std::copy_n(h_before_.data() + row, run_.hidden, h.data() + row);
      if (!c.empty()) std::copy_n(c_before_.data() + row, run_.hidden, c.data() + row);
    }
  }

  const Run& run_;
  const RecurrentWeights& weights_;
  size_t direction_;
  bool reverse_;
  size_t chunk_;
  std::vector<float> rows_, gates_, scratch_, h_before_, c_before_;
};

void run_recurrent(EvalContext& context, std::span<const RecurrentWeights> weights, const Cell& cell, bool has_c) {
  const Run run(context);
  OptionalOutput y(context, 0);
  OptionalOutput last_h(context, 1);
  OptionalOutput last_c(context, 2);
  for (size_t direction = 0; direction < run.directions && run.batch > 0; ++direction) {
    const bool reverse = direction == 1 || string_attr(context.node(), "direction") == "reverse";
    std::vector<float> h = load_state(context, kInitialH, run, direction);
    std::vector<float> c = has_c ? load_state(context, kInitialC, run, direction) : std::vector<float>();
    Walker(run, weights[direction], direction, reverse).walk(cell, h, c, y);
    for (size_t sample = 0; sample < run.batch; ++sample) {
      const size_t row = run.state_row(direction, sample);
      last_h.put(row, std::span(h).subspan(sample * run.hidden, run.hidden));
      if (has_c) last_c.put(row, std::span(c).subspan(sample * run.hidden, run.hidden));
    }
  }
  y.store();
  last_h.store();
  if (has_c) last_c.store();
}

// By direction; `bias` may be undefined.
std::vector<RecurrentWeights> pack_weights(const Tensor& w, const Tensor& r, const Tensor& bias, const CellKind& kind) {
  const int64_t columns = w.dims()[1];
  const int64_t inputs = w.dims()[2];
  const int64_t hidden = r.dims()[2];
  const FloatInput w_values(w);
  const FloatInput r_values(r);
  const auto size = static_cast<size_t>(columns);
  std::vector<float> biases(static_cast<size_t>(w.dims()[0]) * 2 * size, 0.0F);
  if (bias.defined()) biases = bias.to_float();
  std::vector<RecurrentWeights> packed;
  for (size_t d = 0; d < static_cast<size_t>(w.dims()[0]); ++d) {
    const auto part = [d](const FloatInput& values, int64_t elements) {
      return values.values().subspan(d * static_cast<size_t>(elements), static_cast<size_t>(elements));
    };
    const std::span<const float> own = std::span(biases).subspan(d * 2 * size, 2 * size);
    const std::span<const float> r_part = part(r_values, columns * hidden);
    const int64_t apart = kind.last_gate_apart ? hidden : 0;
    RecurrentWeights weights{{part(w_values, columns * inputs), own.first(size), 0, columns, inputs}, {}};
    weights.recurrent.emplace_back(r_part, own.last(size), 0, columns - apart, hidden);
    if (apart > 0) weights.recurrent.emplace_back(r_part, own.last(size), columns - apart, apart, hidden);
    packed.push_back(std::move(weights));
  }
  return packed;
}

}  // namespace

RecurrentBlock::RecurrentBlock(std::span<const float> weights, std::span<const float> bias, int64_t first,
                               int64_t count, int64_t depth)
    : dense(depth, count), packed(static_cast<size_t>(dense.packed_size())) {
  dense.pack(weights.data() + first * depth, 1, depth, packed.data());
  constexpr int64_t kSlack = 32;  // a vector may be read past the end
  start.resize(static_cast<size_t>(count + kSlack), 0.0F);
  std::copy_n(bias.begin() + first, count, start.begin());
}

void RecurrentBlock::run(int64_t rows, const float* a, float* out) const {
  dense.run({.rows = rows,
             .a = a,
             .b = packed.data(),
             .start = start.data(),
             .low = -std::numeric_limits<float>::infinity(),
             .high = std::numeric_limits<float>::infinity(),
             .y = out});
}

Kernel recurrent_kernel(const PrepareContext& context, const CellKind& kind) {
  const auto constant = [&](size_t idx) {
    const bool given = idx < context.constants.size() && context.constants[idx] != nullptr;
    return given ? *context.constants[idx] : Tensor();
  };
  const auto computed = [&](size_t idx) {
    return idx < context.node.inputs.size() && context.node.inputs[idx] != kNoValue && !constant(idx).defined();
  };
  if (computed(kW) || computed(kR) || computed(kB) || computed(kPeepholes)) return {};
  auto weights = std::make_shared<const std::vector<RecurrentWeights>>(
      pack_weights(constant(kW), constant(kR), constant(kB), kind));
  return [weights, cell = kind.make(context.node, constant(kPeepholes)), has_c = kind.has_c](EvalContext& c) {
    run_recurrent(c, *weights, cell, has_c);
  };
}

void eval_recurrent(EvalContext& context, const CellKind& kind) {
  const auto operand = [&](int idx) { return context.has_input(idx) ? context.input(idx) : Tensor(); };
  const auto weights = pack_weights(context.input(kW), context.input(kR), operand(kB), kind);
  run_recurrent(context, weights, kind.make(context.node(), operand(kPeepholes)), kind.has_c);
}

}  // namespace tinyc
