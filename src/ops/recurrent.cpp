// What RNN, GRU and LSTM must look like: checks, inference, cost. How they run is in recurrent_eval.cpp.
#include "ops/recurrent.h"

#include <algorithm>
#include <cmath>

#include "ops/infer_util.h"

namespace tinyc {
namespace {

using namespace recurrent_operands;

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

}  // namespace

bool is_batch_first(const Node& node) {
  return int_attr(node, "layout") != 0;
}

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

void infer_recurrent(InferContext& c, const CellKind& kind) {
  for (const int idx : {kX, kW, kR}) c.require_rank(idx, 3);
  const bool batch_first = is_batch_first(c.node());
  const int64_t directions = direction_count(c.node());
  const Dim batch = dim_of(c, kX, batch_first ? 0 : 1);
  const Dim steps = dim_of(c, kX, batch_first ? 1 : 0);
  Dim hidden = dim_of(c, kR, 2);
  if (has_attr(c.node(), "hidden_size") && !hidden.known()) hidden = int_attr(c.node(), "hidden_size");
  check_operands(c, kind.gates, directions, batch, hidden);
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

}  // namespace tinyc
