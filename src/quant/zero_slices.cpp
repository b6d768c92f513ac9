#include "quant/zero_slices.h"

#include <algorithm>
#include <map>

#include "tinyc/base/error.h"
#include "tinyc/eval/evaluate_node.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"
#include "tinyc/quant/integer_layer.h"

namespace tinyc {
namespace {

bool all_of(const std::vector<bool>& flags) {
  return std::find(flags.begin(), flags.end(), false) == flags.end();
}

class Finder {
 public:
  Finder(const Graph& graph, const std::vector<NodeView>& views) : graph_(graph), views_(views) {
    for (const Value& value : graph.values) zero_.push_back(axis_flags(value.type.shape, false));
  }

  std::vector<AxisFlags> find() {
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      const Value& value = graph_.values[i];
      if (!value.constant) continue;
      const std::vector<bool> nonzero = nonzero_elements(value);
      whole_zero_[ValueId(i)] = std::find(nonzero.begin(), nonzero.end(), true) == nonzero.end();
      clear_where(zero_[i], value.constant->dims(), [&](size_t e) { return nonzero[e]; });
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (views_[i].moves) follow_move(graph_.nodes[i], *views_[i].moves);
      if (views_[i].axes) follow_axes(graph_.nodes[i], *views_[i].axes);
    }
    return std::move(zero_);
  }

 private:
  AxisFlags& zero(ValueId id) { return zero_[index_of(id)]; }

  // Sets the flags of all slices without an element of which `visit` says that it may be other than 0.
  template <typename MayDiffer>
  static void clear_where(AxisFlags& flags, const Dims& dims, const MayDiffer& may_differ) {
    for (auto& axis : flags) axis.assign(axis.size(), true);
    for_each_place(dims, [&](size_t element, const Dims& place) {
      if (!may_differ(element)) return;
      for (size_t axis = 0; axis < place.size(); ++axis) {
        if (!flags[axis].empty()) flags[axis][static_cast<size_t>(place[axis])] = false;
      }
    });
  }

  void follow_move(const Node& node, const MoveMap& map) {
    std::vector<bool> nonzero;
    map.for_each_source(
        [&](size_t k, const Dims& place) { nonzero.push_back(!any_flag(zero(node.inputs[k]), place)); });
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      const std::vector<int32_t>& source = map.source_of(k);
      if (node.outputs[k] == kNoValue || source.empty()) continue;
      clear_where(zero(node.outputs[k]), map.output_dims(k),
                  [&](size_t e) { return source[e] >= 0 && nonzero[static_cast<size_t>(source[e])]; });
    }
  }

  // Whether the operand is 0 wherever `label` is at `index`.
  bool is_zero_at(const Node& node, const NodeAxes& axes, size_t k, int label, size_t index) {
    for (size_t axis = 0; axis < axes.inputs[k].size(); ++axis) {
      const std::vector<bool>& flags = zero(node.inputs[k])[axis];
      if (axes.inputs[k][axis] == AxisLabels{label} && index < flags.size() && flags[index]) return true;
      if (!flags.empty() && all_of(flags)) return true;
    }
    const auto whole = whole_zero_.find(node.inputs[k]);
    return whole != whole_zero_.end() && whole->second;
  }

  void follow_axes(const Node& node, const NodeAxes& axes) {
    if (node.outputs.size() != 1 || node.outputs[0] == kNoValue) return;
    switch (node.op->quant.scaling) {
      case Scaling::kElementwise:
      case Scaling::kPool:
      case Scaling::kReduce:
        return each_label(node, axes, [&](int label, size_t at) { return is_zero_at(node, axes, 0, label, at); });
      case Scaling::kClamp:
      case Scaling::kNone:
        if (!keeps_zero(node)) return;
        return each_label(node, axes, [&](int label, size_t at) { return is_zero_at(node, axes, 0, label, at); });
      case Scaling::kSum:
        return each_label(node, axes, [&](int label, size_t at) {
          for (size_t k = 0; k < node.inputs.size(); ++k) {
            if (!is_zero_at(node, axes, k, label, at)) return false;
          }
          return true;
        });
      case Scaling::kProduct:
        return each_label(node, axes, [&](int label, size_t at) {
          return is_zero_at(node, axes, 0, label, at) || is_zero_at(node, axes, 1, label, at);
        });
      case Scaling::kLayer:
        if (graph_[node.inputs[1]].constant && axes.sums.size() == 1) return follow_layer(node, axes);
        return;
      case Scaling::kMove:
      case Scaling::kGain:
        return;
    }
  }

  // A flag for each index of each axis of the result that has one label.
  template <typename IsZero>
  void each_label(const Node& node, const NodeAxes& axes, const IsZero& is_zero) {
    AxisFlags& flags = zero(node.outputs[0]);
    for (size_t axis = 0; axis < flags.size(); ++axis) {
      if (axes.outputs[0][axis].size() != 1) continue;
      for (size_t i = 0; i < flags[axis].size(); ++i) flags[axis][i] = is_zero(axes.outputs[0][axis][0], i);
    }
  }

  // f(0) = 0, where all operands but the first are constants. Two elements on each axis, for functions that mix them.
  bool keeps_zero(const Node& node) const {
    std::vector<Tensor> operands{Tensor::zeros(DataType::kFloat, Dims(static_cast<size_t>(rank_of(node)), 2))};
    if (graph_[node.inputs[0]].type.dtype != DataType::kFloat) return false;
    for (size_t k = 1; k < node.inputs.size(); ++k) {
      const ValueId id = node.inputs[k];
      if (id != kNoValue && (!graph_[id].constant || graph_[id].constant->size() != 1)) return false;
      operands.push_back(id == kNoValue ? Tensor() : *graph_[id].constant);
    }
    try {
      const std::vector<Tensor> results = evaluate_node(graph_, node, operands);
      if (results[0].dtype() != DataType::kFloat) return false;
      const auto data = results[0].data<float>();
      return std::all_of(data.begin(), data.end(), [](float x) { return x == 0.0F; });
    } catch (const Error&) {
      return false;
    }
  }
  int rank_of(const Node& node) const { return graph_[node.inputs[0]].type.shape.rank(); }

  // The axis of an operand that has these labels; none: its rank.
  static size_t axis_with(const OperandAxes& axes, const AxisLabels& labels) {
    return static_cast<size_t>(std::find(axes.begin(), axes.end(), labels) - axes.begin());
  }

  void follow_layer(const Node& node, const NodeAxes& axes) {
    const auto [data_axis, weight_axis] = std::pair(axes.sums[0].terms[0].second, axes.sums[0].terms[1].second);
    const Value& weight = graph_[node.inputs[1]];
    const AxisLabels& data_labels = axes.inputs[0][static_cast<size_t>(data_axis)];
    const std::vector<bool>& data_zero = zero(node.inputs[0])[static_cast<size_t>(data_axis)];
    const std::vector<bool> nonzero = nonzero_elements(weight);
    for (size_t out = 0; out < axes.outputs[0].size(); ++out) {
      const AxisLabels& labels = axes.outputs[0][out];
      std::vector<bool>& flags = zero(node.outputs[0])[out];
      if (labels.empty() || flags.empty() || !counts_rows(axes, labels, static_cast<size_t>(weight_axis))) continue;
      flags.assign(flags.size(), true);
      std::vector<int64_t> indices(axes.labels.size(), 0);
      for_each_place(weight.constant->dims(), [&](size_t element, const Dims& place) {
        if (!nonzero[element]) return;
        for (size_t axis = 0; axis < place.size(); ++axis)
          split_index(axes, axes.inputs[1][axis], place[axis], indices);
        const auto data = static_cast<size_t>(join_index(axes, data_labels, indices));
        if (data_zero.empty() || !data_zero[data])
          flags[static_cast<size_t>(join_index(axes, labels, indices))] = false;
      });
      add_bias(node, axes, labels, flags);
    }
  }

  // Whether each of the labels counts an axis of the weights, and one of them other than the sum's.
  static bool counts_rows(const NodeAxes& axes, const AxisLabels& labels, size_t sum_axis) {
    bool rows = false;
    for (const int label : labels) {
      bool found = false;
      for (size_t axis = 0; axis < axes.inputs[1].size(); ++axis) {
        const AxisLabels& own = axes.inputs[1][axis];
        if (std::find(own.begin(), own.end(), label) == own.end()) continue;
        found = true;
        rows = rows || axis != sum_axis;
      }
      if (!found) return false;
    }
    return rows;
  }

  void add_bias(const Node& node, const NodeAxes& axes, const AxisLabels& labels, std::vector<bool>& flags) {
    const int bias = node.op->quant.bias;
    if (bias < 0 || bias >= static_cast<int>(node.inputs.size())) return;
    const auto k = static_cast<size_t>(bias);
    if (node.inputs[k] == kNoValue) return;
    const size_t axis = axis_with(axes.inputs[k], labels);
    const auto whole = whole_zero_.find(node.inputs[k]);
    const bool is_zero = whole != whole_zero_.end() && whole->second;
    for (size_t i = 0; i < flags.size() && !is_zero; ++i) {
      flags[i] = flags[i] && axis < axes.inputs[k].size() && zero(node.inputs[k])[axis][i];
    }
  }

  const Graph& graph_;
  const std::vector<NodeView>& views_;
  std::vector<AxisFlags> zero_;
  std::map<ValueId, bool> whole_zero_;  // constants
};

}  // namespace

std::vector<bool> nonzero_elements(const Value& constant) {
  const Tensor& tensor = *constant.constant;
  std::vector<bool> nonzero;
  if (constant.quant) {
    const QParams* params = linear_params(constant);
    if (params == nullptr) return std::vector<bool>(static_cast<size_t>(tensor.size()), true);
    const ScaleIndex scale(*params, tensor.dims());
    int64_t element = 0;
    for (const int64_t q : stored_integers(constant)) nonzero.push_back(q != params->zero_points[scale(element++)]);
    return nonzero;
  }
  if (tensor.dtype() == DataType::kString) return std::vector<bool>(static_cast<size_t>(tensor.size()), true);
  for (const float x : tensor.to_float()) nonzero.push_back(x != 0.0F);
  return nonzero;
}

std::vector<NodeView> view_nodes(const Graph& graph) {
  std::vector<NodeView> views;
  for (const Node& node : graph.nodes) {
    NodeView& view = views.emplace_back();
    view.axes = axes_of(graph, node);
    if (!view.axes) view.moves = MoveMap::of(graph, node);
  }
  return views;
}

std::vector<AxisFlags> find_zero_slices(const Graph& graph, const std::vector<NodeView>& views) {
  return Finder(graph, views).find();
}

}  // namespace tinyc
