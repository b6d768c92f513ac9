#include "tinyc/quant/channel_flow.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tinyc/eval/evaluate_node.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool is_onnx_op(const Node& node, std::string_view name) {
  return node.op != nullptr && node.op->domain.empty() && node.op->name == name;
}

class Follower {
 public:
  explicit Follower(const Graph& graph) : graph_(graph), uses_(graph) {
    flow_.places.resize(graph.values.size());
    flow_.ranges.resize(graph.values.size());
    flow_.layers.resize(graph.nodes.size());
  }

  ChannelFlow follow() {
    for (ValueId id : graph_.inputs) open_space(id, true);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (!follow_node(i)) follow_other(graph_.nodes[i]);
    }
    for (ValueId id : graph_.outputs) fix(id);
    number_spaces();
    return std::move(flow_);
  }

 private:
  ChannelPlace& place(ValueId id) { return flow_.places[index_of(id)]; }
  std::vector<Range>& ranges(ValueId id) { return flow_.ranges[index_of(id)]; }
  const Shape& shape(ValueId id) const { return graph_[id].type.shape; }

  const QParams* params_of(ValueId id) const { return linear_params(graph_[id]); }

  int root(int space) {
    while (parent_[static_cast<size_t>(space)] != space) space = parent_[static_cast<size_t>(space)];
    return space;
  }
  void unite(int a, int b) {
    a = root(a);
    b = root(b);
    flow_.spaces[static_cast<size_t>(b)].fixed |= flow_.spaces[static_cast<size_t>(a)].fixed;
    parent_[static_cast<size_t>(a)] = b;
  }
  void fix(ValueId id) {
    if (id != kNoValue && place(id).space >= 0) flow_.spaces[static_cast<size_t>(root(place(id).space))].fixed = true;
  }
  void number_spaces() {
    for (ChannelPlace& place : flow_.places) place.space = place.space < 0 ? -1 : root(place.space);
    for (size_t i = 0; i < parent_.size(); ++i) {
      if (parent_[i] != static_cast<int>(i)) flow_.spaces[i] = {0, true};  // went into another
    }
  }

  int64_t channels_of(ValueId id) { return flow_.spaces[static_cast<size_t>(place(id).space)].channels; }

  // A new space of the value's axis 1.
  void open_space(ValueId id, bool fixed) {
    const Value& value = graph_[id];
    if (!value.type.shape.ranked() || value.type.shape.rank() < 2 || !value.type.shape[1].known()) return;
    if (value.type.dtype != DataType::kFloat || value.type.shape[1].value < 1) return;
    place(id) = {static_cast<int>(flow_.spaces.size()), 1, 1};
    flow_.spaces.push_back({value.type.shape[1].value, fixed});
    parent_.push_back(place(id).space);
    join_value(id, std::vector<Range>(static_cast<size_t>(channels_of(id)), {-kInfinity, kInfinity}));
  }

  // Gives a value with a place its ranges, from ranges in real numbers.
  void join_value(ValueId id, std::vector<Range> real) {
    if (graph_[id].quant) {
      const QParams* params = params_of(id);
      const bool per_tensor = params != nullptr && params->axis < 0;
      if (!per_tensor) fix(id);
      for (Range& range : real) range = per_tensor ? on_grid(range, *params) : Range{-kInfinity, kInfinity};
    }
    ranges(id) = std::move(real);
  }

  // Engines multiply by a scale of at least 16 bits, or in float, and break ties differently: the range holds whatever
  // any of them rounds to.
  static Range on_grid(const Range& real, const QParams& params) {
    const auto scale = static_cast<double>(params.scales[0]);
    const double low = params.q_min - params.zero_points[0], high = params.q_max - params.zero_points[0];
    const auto step = [&](double x, double sign) {
      const double steps = x / scale;
      return std::clamp(std::nearbyint(steps + sign * (std::abs(steps) * 0x1p-16 + 0x1p-10)), low, high);
    };
    if (std::isinf(real.low) || std::isinf(real.high)) {
      return {std::isinf(real.low) ? low : step(real.low, -1), std::isinf(real.high) ? high : step(real.high, 1)};
    }
    return {step(real.low, -1), step(real.high, 1)};
  }

  std::vector<Range> real_ranges(ValueId id) {
    std::vector<Range> real = ranges(id);
    const QParams* params = params_of(id);
    if (params == nullptr || params->axis >= 0) return real;
    for (Range& range : real) {
      range.low *= static_cast<double>(params->scales[0]);
      range.high *= static_cast<double>(params->scales[0]);
    }
    return real;
  }

  void follow_other(const Node& node) {
    for (ValueId id : node.inputs) fix(id);
    for (ValueId id : node.outputs) {
      if (id != kNoValue) open_space(id, true);
    }
  }

  bool follow_node(size_t i) {
    const Node& node = graph_.nodes[i];
    if (node.op == nullptr || node.outputs.size() != 1 || node.outputs[0] == kNoValue || node.captures > 0)
      return false;
    if (node.inputs.empty() || node.inputs[0] == kNoValue || place(node.inputs[0]).space < 0) return false;
    const ChannelPlace from = place(node.inputs[0]);
    if (node.op->quant.kind == QuantKind::kClamp) return follow_clamp(node);
    if (is_onnx_op(node, "Add")) return follow_add(node);
    if (node.op->is_view || is_onnx_op(node, "Transpose")) return follow_move(node);
    if (from.axis != 1 || (shape(node.inputs[0]).rank() > 2 && from.inner != 1)) return false;
    if (node.op->quant.weights[0] >= 0) return follow_layer(i);
    return follow_pool(node);
  }

  void pass_on(const Node& node, ChannelPlace to, std::vector<Range> real) {
    const ValueId in = node.inputs[0], out = node.outputs[0];
    place(out) = to;
    join_value(out, std::move(real));
    const QParams *before = params_of(in), *after = params_of(out);
    const bool moved = node.op->quant.kind == QuantKind::kSameAsInput && before != nullptr && after != nullptr;
    if (moved && *before == *after) ranges(out) = ranges(in);
  }

  bool follow_layer(size_t i) {
    const Node& node = graph_.nodes[i];
    std::optional<IntegerLayer> layer = read_integer_layer(graph_, uses_, node);
    const ValueId data = node.inputs[0], out = node.outputs[0];
    if (!layer || params_of(data) == nullptr) return false;
    if (!layer->depthwise && shape(data)[1].value != layer->inputs) return false;
    std::vector<Range> inputs;  // by element along the channel axis
    const auto elements = layer->depthwise ? layer->outputs : layer->inputs;
    for (int64_t e = 0; e < elements; ++e) {
      inputs.push_back(ranges(data)[static_cast<size_t>(e / place(data).inner % channels_of(data))]);
    }
    std::vector<Range> real;
    for (int64_t o = 0; o < layer->outputs; ++o) {
      real.push_back(reachable_output(*layer, o, inputs).value_or(Range{-kInfinity, kInfinity}));
    }
    if (layer->depthwise) {
      pass_on(node, place(data), std::move(real));
    } else {
      open_space(out, false);
      if (place(out).space < 0 || channels_of(out) != layer->outputs) return false;
      join_value(out, std::move(real));
    }
    flow_.layers[i] = std::move(layer);
    return true;
  }

  bool follow_clamp(const Node& node) {
    for (size_t k = 1; k < node.inputs.size(); ++k) {
      if (node.inputs[k] != kNoValue && !graph_[node.inputs[k]].constant) return false;
    }
    std::vector<Range> real = real_ranges(node.inputs[0]);
    std::vector<float> ends;
    for (const Range& range : real) {
      ends.push_back(static_cast<float>(range.low));
      ends.push_back(static_cast<float>(range.high));
    }
    std::vector<Tensor> operands{Tensor::of<float>({static_cast<int64_t>(ends.size())}, ends)};
    for (size_t k = 1; k < node.inputs.size(); ++k) {
      operands.push_back(node.inputs[k] == kNoValue ? Tensor() : *graph_[node.inputs[k]].constant);
    }
    const std::vector<Tensor> clamped = evaluate_node(graph_, node, operands);
    for (size_t c = 0; c < real.size(); ++c) {
      real[c] = {static_cast<double>(clamped[0].data<float>()[2 * c]),
                 static_cast<double>(clamped[0].data<float>()[2 * c + 1])};
    }
    pass_on(node, place(node.inputs[0]), std::move(real));
    return true;
  }

  bool follow_add(const Node& node) {
    const ValueId a = node.inputs[0], b = node.inputs[1];
    const ChannelPlace &left = place(a), &right = place(b);
    if (right.space < 0 || left.axis != right.axis || left.inner != right.inner) return false;
    if (!same_dims(shape(a), shape(b)) || channels_of(a) != channels_of(b)) return false;
    std::vector<Range> real = real_ranges(a);
    const std::vector<Range> other = real_ranges(b);
    for (size_t c = 0; c < real.size(); ++c) real[c] = {real[c].low + other[c].low, real[c].high + other[c].high};
    unite(right.space, left.space);
    pass_on(node, left, std::move(real));
    return true;
  }

  static bool same_dims(const Shape& a, const Shape& b) {
    if (a.rank() != b.rank()) return false;
    for (int i = 0; i < a.rank(); ++i) {
      if (!a[i].same_as(b[i])) return false;
    }
    return true;
  }

  // The mean or the largest of a channel's elements lies within its range; padding may count as zeros.
  bool follow_pool(const Node& node) {
    const bool global = is_onnx_op(node, "GlobalAveragePool") || is_onnx_op(node, "GlobalMaxPool");
    const bool average = is_onnx_op(node, "AveragePool");
    if (!global && !average && !is_onnx_op(node, "MaxPool")) return false;
    if (!global && int_attr(node, "ceil_mode") != 0) return false;
    std::vector<Range> real = real_ranges(node.inputs[0]);
    if (average && int_attr(node, "count_include_pad") != 0) {
      for (Range& range : real) range = {std::min(range.low, 0.0), std::max(range.high, 0.0)};
    }
    pass_on(node, place(node.inputs[0]), std::move(real));
    return true;
  }

  bool follow_move(const Node& node) {
    const ValueId in = node.inputs[0], out = node.outputs[0];
    for (size_t k = 1; k < node.inputs.size(); ++k) {
      if (node.inputs[k] == kNoValue || !graph_[node.inputs[k]].constant) return false;
    }
    if (is_onnx_op(node, "Squeeze") && node.inputs.size() < 2) return false;  // takes out whatever has one element
    const std::optional<ChannelPlace> to = is_onnx_op(node, "Transpose") ? transposed(node) : reshaped(in, out);
    if (!to) return false;
    pass_on(node, *to, real_ranges(in));
    return true;
  }

  std::optional<ChannelPlace> transposed(const Node& node) {
    const std::span<const int64_t> perm = ints_attr(node, "perm");
    ChannelPlace to = place(node.inputs[0]);
    const auto found = std::find(perm.begin(), perm.end(), to.axis);
    if (found == perm.end() || found == perm.begin() || perm.front() != 0) return std::nullopt;
    to.axis = static_cast<int>(found - perm.begin());
    return to;
  }

  // The axis stays as it is, or all axes but the first become one.
  std::optional<ChannelPlace> reshaped(ValueId in, ValueId out) {
    const Shape &from = shape(in), &to = shape(out);
    if (!to.ranked() || to.rank() < 2 || !(from[0].same_as(to[0]))) return std::nullopt;
    const auto product = [](const Shape& dims, int first, int last) {
      int64_t total = 1;
      for (int i = first; i < last && total > 0; ++i) total = dims[i].known() ? total * dims[i].value : -1;
      return total;
    };
    ChannelPlace place = this->place(in);
    const int64_t before = product(from, 1, place.axis), after = product(from, place.axis + 1, from.rank());
    const int64_t extent = product(from, place.axis, place.axis + 1);
    if (before < 1 || after < 1 || extent < 1 || product(to, 1, to.rank()) != before * extent * after) {
      return std::nullopt;
    }
    for (int axis = 1; axis < to.rank(); ++axis) {
      if (product(to, 1, axis) != before || product(to, axis, axis + 1) != extent) continue;
      place.axis = axis;
      return place;
    }
    if (to.rank() != 2) return std::nullopt;
    place.axis = 1;
    place.inner *= after;
    return place;
  }

  const Graph& graph_;
  const Uses uses_;
  std::vector<int> parent_;  // union-find over spaces
  ChannelFlow flow_;
};

}  // namespace

ChannelFlow follow_channels(const Graph& graph) {
  return Follower(graph).follow();
}

int64_t channel_at(const ChannelFlow& flow, ValueId id, int64_t element) {
  const ChannelPlace& place = flow.places[index_of(id)];
  return element / place.inner % flow.spaces[static_cast<size_t>(place.space)].channels;
}

}  // namespace tinyc
