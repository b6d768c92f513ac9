#include "ops/recurrent.h"

#include <algorithm>
#include <cmath>

#include "ops/float_io.h"
#include "ops/infer_util.h"

namespace tinyc {
namespace {

constexpr int kX = 0, kW = 1, kR = 2, kB = 3, kLengths = 4, kInitialH = 5, kInitialC = 6, kPeepholes = 7;

bool is_batch_first(const Node& node) {
  return int_attr(node, "layout") != 0;
}

// The dim at `axis` of operand idx must be `expected` where both are known.
void require_dim(const InferContext& c, int idx, int axis, const Dim& expected) {
  if (!c.has_input(idx) || !c.shape(idx).ranked()) return;
  const Dim& dim = c.shape(idx)[axis];
  if (dim.known() && expected.known() && dim.value != expected.value) {
    c.fail_input(idx, "has shape " + to_string(c.shape(idx)) + ", expected " + std::to_string(expected.value) +
                          " at axis " + std::to_string(axis));
  }
}

Dim times(const Dim& dim, int64_t factor) {
  const Dim both[] = {dim, factor};
  return product(both);
}

Dim dim_of(const InferContext& c, int idx, int axis) {
  return c.has_input(idx) && c.shape(idx).ranked() ? c.shape(idx)[axis] : Dim();
}

void check_operands(const InferContext& c, int gates, int64_t directions, const Dim& batch, const Dim& hidden) {
  const auto require = [&](int idx, std::initializer_list<Dim> dims) {
    if (!c.has_input(idx)) return;
    c.require_rank(idx, static_cast<int>(dims.size()));
    int axis = 0;
    for (const Dim& dim : dims) require_dim(c, idx, axis++, dim);
  };
  require(kW, {directions, times(hidden, gates), dim_of(c, kX, 2)});
  require(kR, {directions, times(hidden, gates), hidden});
  require(kB, {directions, times(hidden, int64_t{2} * gates)});
  require(kLengths, {batch});
  const bool batch_first = is_batch_first(c.node());
  for (const int state : {kInitialH, kInitialC}) {
    batch_first ? require(state, {batch, directions, hidden}) : require(state, {directions, batch, hidden});
  }
  require(kPeepholes, {directions, times(hidden, 3)});
}

// out[j] += sum over k, in order, of a[k] * b[k][j].
void add_product(std::span<float> out, std::span<const float> a, const float* b, size_t stride) {
  for (size_t k = 0; k < a.size(); ++k) {
    const float factor = a[k];
    const float* row = b + k * stride;
    for (size_t j = 0; j < out.size(); ++j) out[j] += factor * row[j];
  }
}

std::vector<float> transposed(std::span<const float> matrix, size_t rows, size_t columns) {
  std::vector<float> out(matrix.size());
  for (size_t r = 0; r < rows; ++r) {
    for (size_t k = 0; k < columns; ++k) out[k * rows + r] = matrix[r * columns + k];
  }
  return out;
}

// The dims and the operands of one evaluation.
struct Run {
  bool batch_first;
  size_t directions, steps, batch, inputs, hidden;
  FloatInput x;
  std::vector<int64_t> lengths;  // by sample

  Run(const EvalContext& c, const RecurrentWeights& weights)
      : batch_first(is_batch_first(c.node())),
        directions(static_cast<size_t>(direction_count(c.node()))),
        steps(static_cast<size_t>(c.input(kX).dims()[batch_first ? 1 : 0])),
        batch(static_cast<size_t>(c.input(kX).dims()[batch_first ? 0 : 1])),
        inputs(static_cast<size_t>(weights.inputs)),
        hidden(static_cast<size_t>(weights.hidden)),
        x(c.input(kX)),
        lengths(c.has_input(kLengths) ? c.input(kLengths).to_int64()
                                      : std::vector<int64_t>(batch, static_cast<int64_t>(steps))) {
    for (const int64_t length : lengths) {
      if (length < 0 || length > static_cast<int64_t>(steps)) {
        throw Error(ErrorKind::kModel,
                    "a sequence is " + std::to_string(length) + " long, of " + std::to_string(steps));
      }
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
};

// An optional state operand, zeros when absent.
void load_state(const EvalContext& c, int idx, size_t row, std::span<float> state) {
  if (!c.has_input(idx)) return std::fill(state.begin(), state.end(), 0.0F);
  const FloatInput initial(c.input(idx));
  std::copy_n(initial.data() + row, state.size(), state.begin());
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

// One sample in one direction, all its steps.
struct Walker {
  const Run& run;
  const Cell& cell;
  OptionalOutput& y;
  std::vector<float> gates;
  std::vector<float> scratch;

  void walk(const RecurrentWeights& weights, size_t direction, size_t sample, bool reverse, std::span<float> h,
            std::span<float> c) {
    const auto columns = static_cast<size_t>(weights.columns);
    const auto length = static_cast<size_t>(run.lengths[sample]);
    gates.resize(columns);
    scratch.resize(2 * columns);
    for (size_t s = 0; s < length; ++s) {
      const size_t step = reverse ? length - 1 - s : s;
      std::copy(weights.input_bias.begin(), weights.input_bias.end(), gates.begin());
      add_product(gates, run.x.values().subspan(run.x_row(step, sample), run.inputs), weights.input.data(), columns);
      cell(static_cast<int64_t>(direction), {weights, gates, h, c, scratch});
      y.put(run.y_row(step, direction, sample), h);
    }
  }
};

}  // namespace

int64_t direction_count(const Node& node) {
  const std::string_view direction = string_attr(node, "direction");
  if (direction == "bidirectional") return 2;
  if (direction == "forward" || direction == "reverse") return 1;
  throw Error(ErrorKind::kModel, "attribute 'direction' is '" + std::string(direction) + "'",
              "the known ones are forward, reverse and bidirectional");
}

void clip_values(const Node& node, std::span<float> values) {
  if (!has_attr(node, "clip")) return;
  const float limit = std::abs(float_attr(node, "clip"));
  for (float& value : values) value = std::clamp(value, -limit, limit);
}

void infer_recurrent(InferContext& c, int gates) {
  for (const int idx : {kX, kW, kR}) c.require_rank(idx, 3);
  const bool batch_first = is_batch_first(c.node());
  const int64_t directions = direction_count(c.node());
  const Dim batch = dim_of(c, kX, batch_first ? 0 : 1);
  const Dim steps = dim_of(c, kX, batch_first ? 1 : 0);
  Dim hidden = dim_of(c, kR, 2);
  if (has_attr(c.node(), "hidden_size") && !hidden.known()) hidden = int_attr(c.node(), "hidden_size");
  check_operands(c, gates, directions, batch, hidden);
  c.set_output(0, c.dtype(kX),
               batch_first ? Shape{batch, steps, directions, hidden} : Shape{steps, directions, batch, hidden});
  for (const int state : {1, 2}) {
    c.set_output(state, c.dtype(kX), batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden});
  }
}

int64_t recurrent_macs(const Node& /*node*/, std::span<const TensorType> inputs,
                       std::span<const TensorType> /*outputs*/) {
  const Shape& x = inputs[kX].shape;
  const Shape& w = inputs[kW].shape;
  const Shape& r = inputs[kR].shape;
  if (!x.ranked() || !w.ranked() || !r.ranked()) return 0;
  const int64_t samples[] = {size_or_one(x[0]), size_or_one(x[1]), size_or_one(w[0]), size_or_one(w[1]),
                             size_or_one(w[2]) + size_or_one(r[2])};
  return element_count(samples);
}

void RecurrentWeights::recurrent_product(std::span<const float> h, int64_t first_column, std::span<float> out) const {
  std::copy_n(recurrent_bias.begin() + first_column, out.size(), out.begin());
  add_product(out, h, recurrent.data() + first_column, static_cast<size_t>(columns));
}

std::vector<RecurrentWeights> pack_recurrent(const Tensor& w, const Tensor& r, const Tensor& bias) {
  const auto directions = static_cast<size_t>(w.dims()[0]);
  const auto columns = static_cast<size_t>(w.dims()[1]);
  const auto inputs = static_cast<size_t>(w.dims()[2]);
  const auto hidden = static_cast<size_t>(r.dims()[2]);
  const FloatInput w_values(w);
  const FloatInput r_values(r);
  std::vector<float> biases(directions * 2 * columns, 0.0F);
  if (bias.defined()) biases = bias.to_float();
  std::vector<RecurrentWeights> packed(directions);
  for (size_t d = 0; d < directions; ++d) {
    RecurrentWeights& weights = packed[d];
    weights.inputs = w.dims()[2];
    weights.hidden = r.dims()[2];
    weights.columns = w.dims()[1];
    weights.input = transposed(w_values.values().subspan(d * columns * inputs, columns * inputs), columns, inputs);
    weights.recurrent = transposed(r_values.values().subspan(d * columns * hidden, columns * hidden), columns, hidden);
    const auto first = biases.begin() + static_cast<std::ptrdiff_t>(d * 2 * columns);
    const auto middle = first + static_cast<std::ptrdiff_t>(columns);
    weights.input_bias.assign(first, middle);
    weights.recurrent_bias.assign(middle, middle + static_cast<std::ptrdiff_t>(columns));
  }
  return packed;
}

void run_recurrent(EvalContext& context, std::span<const RecurrentWeights> weights, const Cell& cell, bool has_c) {
  const Run run(context, weights[0]);
  OptionalOutput y(context, 0);
  OptionalOutput last_h(context, 1);
  OptionalOutput last_c(context, 2);
  Walker walker{run, cell, y, {}, {}};
  std::vector<float> h(run.hidden);
  std::vector<float> c(has_c ? run.hidden : 0);
  for (size_t direction = 0; direction < run.directions; ++direction) {
    const bool reverse = direction == 1 || string_attr(context.node(), "direction") == "reverse";
    for (size_t sample = 0; sample < run.batch; ++sample) {
      const size_t row = run.state_row(direction, sample);
      load_state(context, kInitialH, row, h);
      if (has_c) load_state(context, kInitialC, row, c);
      walker.walk(weights[direction], direction, sample, reverse, h, c);
      last_h.put(row, h);
      if (has_c) last_c.put(row, c);
    }
  }
  y.store();
  last_h.store();
  if (has_c) last_c.store();
}

Kernel recurrent_kernel(const PrepareContext& context, MakeCell make_cell, bool has_c) {
  const auto constant = [&](size_t idx) {
    const bool given = idx < context.constants.size() && context.constants[idx] != nullptr;
    return given ? *context.constants[idx] : Tensor();
  };
  const auto computed = [&](size_t idx) {
    return idx < context.node.inputs.size() && context.node.inputs[idx] != kNoValue && !constant(idx).defined();
  };
  if (computed(kW) || computed(kR) || computed(kB) || computed(kPeepholes)) return {};
  auto weights =
      std::make_shared<const std::vector<RecurrentWeights>>(pack_recurrent(constant(kW), constant(kR), constant(kB)));
  return [weights, cell = make_cell(context.node, constant(kPeepholes)), has_c](EvalContext& c) {
    run_recurrent(c, *weights, cell, has_c);
  };
}

void eval_recurrent(EvalContext& context, MakeCell make_cell, bool has_c) {
  const auto operand = [&](int idx) { return context.has_input(idx) ? context.input(idx) : Tensor(); };
  const auto weights = pack_recurrent(context.input(kW), context.input(kR), operand(kB));
  run_recurrent(context, weights, make_cell(context.node(), operand(kPeepholes)), has_c);
}

}  // namespace tinyc
