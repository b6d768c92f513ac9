#include "tinyc/quant/structures.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "quant/zero_slices.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

// All that goes with one index.
class Closure {
 public:
  Closure(const Graph& graph, const Uses& uses, const std::vector<NodeView>& views)
      : graph_(graph), uses_(uses), views_(views) {}

  std::optional<Structure> of(NodeId node, int label, int64_t index) {
    if (!remove_label(graph_[node], *views_[index_of(node)].axes, label, index)) return std::nullopt;
    while (!open_.empty()) {
      const NodeId next = *open_.begin();
      open_.erase(open_.begin());
      touched_.insert(next);
      if (!follow(next)) return std::nullopt;
    }
    for (const NodeId id : touched_) {
      if (!is_explained(id)) return std::nullopt;
    }
    for (const auto& [id, flags] : gone_) {
      for (const std::vector<bool>& axis : flags) {
        if (!axis.empty() && std::find(axis.begin(), axis.end(), false) == axis.end()) return std::nullopt;
      }
    }
    return Structure{{slices_.begin(), slices_.end()}, {read_.begin(), read_.end()}};
  }

 private:
  bool is_gone(ValueId id, size_t axis, size_t index) const {
    const auto found = gone_.find(id);
    return found != gone_.end() && !found->second[axis].empty() && found->second[axis][index];
  }
  const AxisFlags& flags_of(ValueId id) {
    const auto [found, added] = gone_.try_emplace(id);
    if (added) found->second = axis_flags(graph_[id].type.shape, false);
    return found->second;
  }

  // False where the slice cannot go.
  bool remove(ValueId id, size_t axis, size_t index) {
    if (is_gone(id, axis, index)) return true;
    const bool is_input = std::find(graph_.inputs.begin(), graph_.inputs.end(), id) != graph_.inputs.end();
    if (is_input || uses_.is_output[index_of(id)] || graph_[id].quant || flags_of(id)[axis].empty()) return false;
    gone_[id][axis][index] = true;
    slices_.insert({id, static_cast<int>(axis), static_cast<int64_t>(index)});
    if (uses_.producer_of(id) != kNoNode) open_.insert(uses_.producer_of(id));
    for (const NodeId reader : uses_.consumers_of(id)) open_.insert(reader);
    return true;
  }

  bool follow(NodeId id) {
    const NodeView& view = views_[index_of(id)];
    if (view.axes) return follow(graph_[id], *view.axes);
    return view.moves && follow(graph_[id], *view.moves);
  }

  template <typename Visit>
  static void for_each_axis(const Node& node, const NodeAxes& axes, const Visit& visit) {
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      for (size_t axis = 0; node.inputs[k] != kNoValue && axis < axes.inputs[k].size(); ++axis) {
        visit(node.inputs[k], axis, axes.inputs[k][axis]);
      }
    }
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      for (size_t axis = 0; node.outputs[k] != kNoValue && axis < axes.outputs[k].size(); ++axis) {
        visit(node.outputs[k], axis, axes.outputs[k][axis]);
      }
    }
  }

  static bool has(const AxisLabels& labels, int label) {
    return std::find(labels.begin(), labels.end(), label) != labels.end();
  }
  // Calls visit(i) for each index of an axis at which a label has this index.
  template <typename Visit>
  static void for_each_with(const NodeAxes& axes, const AxisLabels& labels, int label, int64_t index,
                            const Visit& visit) {
    int64_t extent = 1;
    for (const int each : labels) extent *= axes.labels[static_cast<size_t>(each)].extent;
    std::vector<int64_t> indices(axes.labels.size(), 0);
    for (int64_t i = 0; i < extent; ++i) {
      split_index(axes, labels, i, indices);
      if (indices[static_cast<size_t>(label)] == index) visit(static_cast<size_t>(i));
    }
  }

  bool remove_label(const Node& node, const NodeAxes& axes, int label, int64_t index) {
    bool can = !axes.labels[static_cast<size_t>(label)].stays && axes.labels[static_cast<size_t>(label)].extent > 1;
    for_each_axis(node, axes, [&](ValueId id, size_t axis, const AxisLabels& labels) {
      if (!has(labels, label)) return;
      for_each_with(axes, labels, label, index, [&](size_t i) { can = can && remove(id, axis, i); });
    });
    for (const LabelSum& sum : axes.sums) {
      if (sum.label == label) can = can && read(node, axes, sum, index);
    }
    return can;
  }

  bool read(const Node& node, const NodeAxes& axes, const LabelSum& sum, int64_t index) {
    bool any = false;
    for (const auto& [k, axis] : sum.terms) {
      const ValueId id = node.inputs[static_cast<size_t>(k)];
      if (!graph_[id].constant) continue;
      any = true;
      const AxisLabels& labels = axes.inputs[static_cast<size_t>(k)][static_cast<size_t>(axis)];
      for_each_with(axes, labels, sum.label, index, [&, at = axis](size_t i) {
        read_.insert({id, at, static_cast<int64_t>(i)});
      });
    }
    return any;
  }

  // Labels of which an axis has lost all of an index.
  bool follow(const Node& node, const NodeAxes& axes) {
    std::set<std::pair<int, int64_t>> labels;
    for_each_axis(node, axes, [&](ValueId id, size_t axis, const AxisLabels& names) {
      if (!gone_.contains(id)) return;
      std::vector<int64_t> indices(axes.labels.size(), 0);
      for (size_t i = 0; i < gone_[id][axis].size(); ++i) {
        if (!gone_[id][axis][i]) continue;
        split_index(axes, names, static_cast<int64_t>(i), indices);
        for (const int label : names) {
          bool all = true;
          for_each_with(axes, names, label, indices[static_cast<size_t>(label)],
                        [&](size_t other) { all = all && gone_[id][axis][other]; });
          if (all && axes.labels[static_cast<size_t>(label)].extent > 1 &&
              !axes.labels[static_cast<size_t>(label)].stays)
            labels.emplace(label, indices[static_cast<size_t>(label)]);
        }
      }
    });
    return std::all_of(labels.begin(), labels.end(),
                       [&](const auto& each) { return remove_label(node, axes, each.first, each.second); });
  }

  // By number of an element: whether it goes from an operand or from a result.
  std::vector<bool> gone_elements(const Node& node, const MoveMap& map) {
    std::vector<bool> gone;
    map.for_each_source(
        [&](size_t k, const Dims& place) { gone.push_back(any_flag(flags_of(node.inputs[k]), place)); });
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      if (node.outputs[k] == kNoValue) continue;
      const AxisFlags& flags = flags_of(node.outputs[k]);
      for_each_place(map.output_dims(k), [&](size_t element, const Dims& place) {
        const int32_t source = map.source_of(k)[element];
        if (source >= 0 && any_flag(flags, place)) gone[static_cast<size_t>(source)] = true;
      });
    }
    return gone;
  }

  // Slices of operands and results of which all elements go.
  bool follow(const Node& node, const MoveMap& map) {
    const std::vector<bool> gone = gone_elements(node, map);
    std::vector<AxisFlags> operands, results;
    for (const ValueId id : node.inputs)
      operands.push_back(id == kNoValue ? AxisFlags() : axis_flags(graph_[id].type.shape, true));
    size_t next = 0;
    map.for_each_source([&](size_t k, const Dims& place) {
      if (!gone[next++]) clear(operands[k], place);
    });
    bool can = true;
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      if (map.is_data(k)) can = can && remove_all(node.inputs[k], operands[k]);
    }
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      if (node.outputs[k] == kNoValue) continue;
      AxisFlags whole = axis_flags(graph_[node.outputs[k]].type.shape, true),
                has_source = axis_flags(graph_[node.outputs[k]].type.shape, true);
      for_each_place(map.output_dims(k), [&](size_t element, const Dims& place) {
        const int32_t source = map.source_of(k)[element];
        if (source < 0) return;
        clear(has_source, place);
        if (!gone[static_cast<size_t>(source)]) clear(whole, place);
      });
      for (size_t axis = 0; axis < whole.size(); ++axis) {
        for (size_t i = 0; i < whole[axis].size(); ++i) whole[axis][i] = whole[axis][i] && !has_source[axis][i];
      }
      can = can && remove_all(node.outputs[k], whole);
    }
    return can;
  }
  static void clear(AxisFlags& flags, const Dims& place) {
    for (size_t axis = 0; axis < place.size(); ++axis) {
      if (!flags[axis].empty()) flags[axis][static_cast<size_t>(place[axis])] = false;
    }
  }
  bool remove_all(ValueId id, const AxisFlags& flags) {
    for (size_t axis = 0; axis < flags.size(); ++axis) {
      for (size_t i = 0; i < flags[axis].size(); ++i) {
        if (flags[axis][i] && !remove(id, axis, i)) return false;
      }
    }
    return true;
  }

  // Whether all that goes at the node goes by whole labels, or by whole slices on both sides.
  bool is_explained(NodeId id) {
    const NodeView& view = views_[index_of(id)];
    return view.axes ? is_explained(graph_[id], *view.axes) : is_explained(graph_[id], *view.moves);
  }

  bool is_explained(const Node& node, const NodeAxes& axes) {
    bool explained = true;
    for_each_axis(node, axes, [&](ValueId id, size_t axis, const AxisLabels& names) {
      if (!gone_.contains(id)) return;
      std::vector<int64_t> indices(axes.labels.size(), 0);
      for (size_t i = 0; i < gone_[id][axis].size() && explained; ++i) {
        if (!gone_[id][axis][i]) continue;
        split_index(axes, names, static_cast<int64_t>(i), indices);
        explained = std::any_of(names.begin(), names.end(), [&](int label) {
          bool all =
              !axes.labels[static_cast<size_t>(label)].stays && axes.labels[static_cast<size_t>(label)].extent > 1;
          for_each_with(axes, names, label, indices[static_cast<size_t>(label)],
                        [&](size_t other) { all = all && gone_[id][axis][other]; });
          return all;
        });
      }
    });
    return explained;
  }

  bool is_explained(const Node& node, const MoveMap& map) {
    const std::vector<bool> gone = gone_elements(node, map);
    bool explained = true;
    size_t next = 0;
    map.for_each_source([&](size_t k, const Dims& place) {
      explained = explained && gone[next++] == any_flag(flags_of(node.inputs[k]), place);
    });
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      if (node.outputs[k] == kNoValue) continue;
      for_each_place(map.output_dims(k), [&](size_t element, const Dims& place) {
        const int32_t source = map.source_of(k)[element];
        if (source >= 0)
          explained = explained && gone[static_cast<size_t>(source)] == any_flag(flags_of(node.outputs[k]), place);
      });
    }
    return explained;
  }

  const Graph& graph_;
  const Uses& uses_;
  const std::vector<NodeView>& views_;
  std::map<ValueId, AxisFlags> gone_;
  std::set<Slice> slices_, read_;
  std::set<NodeId> open_, touched_;
};

bool counts(const OperandAxes& axes, int label) {
  return std::any_of(axes.begin(), axes.end(), [&](const AxisLabels& labels) {
    return std::find(labels.begin(), labels.end(), label) != labels.end();
  });
}

// A layer's outputs: labels of its constant weights and its result. A head: of two computed operands and the result.
bool starts(const Graph& graph, const Node& node, const NodeAxes& axes, int label, StructureKind kind) {
  if (axes.sums.empty() || node.inputs.size() < 2 || node.inputs[1] == kNoValue) return false;
  const bool results = std::any_of(axes.outputs.begin(), axes.outputs.end(),
                                   [&](const OperandAxes& output) { return counts(output, label); });
  const bool is_layer = graph[node.inputs[1]].constant.has_value();
  if (is_layer != (kind == StructureKind::kChannel) || !results || !counts(axes.inputs[1], label)) return false;
  return is_layer || counts(axes.inputs[0], label);
}

}  // namespace

std::vector<Structure> find_structures(const Graph& graph, StructureKind kind) {
  const Uses uses(graph);
  const std::vector<NodeView> views = view_nodes(graph);
  std::vector<Structure> structures;
  std::set<Slice> taken;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!views[i].axes) continue;
    const NodeAxes& axes = *views[i].axes;
    for (size_t label = 0; label < axes.labels.size(); ++label) {
      if (!starts(graph, graph.nodes[i], axes, static_cast<int>(label), kind)) continue;
      for (int64_t index = 0; index < axes.labels[label].extent; ++index) {
        auto found = Closure(graph, uses, views).of(NodeId(i), static_cast<int>(label), index);
        if (!found) continue;
        const auto is_taken = [&](const Slice& slice) { return taken.contains(slice); };
        if (std::any_of(found->slices.begin(), found->slices.end(), is_taken)) continue;
        taken.insert(found->slices.begin(), found->slices.end());
        structures.push_back(std::move(*found));
      }
    }
  }
  return structures;
}

}  // namespace tinyc
