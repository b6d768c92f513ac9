#include "tinyc/quant/slice_cuts.h"

#include <algorithm>
#include <deque>

#include "quant/zero_slices.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

class Cutter {
 public:
  explicit Cutter(const Graph& graph)
      : graph_(graph),
        uses_(graph),
        views_(view_nodes(graph)),
        zero_(find_zero_slices(graph, views_)),
        queued_(graph.nodes.size(), false) {
    for (const Value& value : graph.values) gone_.push_back(axis_flags(value.type.shape, can_be_cut(value)));
    for (const Value& value : graph.values) {
      nonzero_.push_back(value.constant && can_be_cut(value) ? nonzero_elements(value) : std::vector<bool>());
    }
  }

  SliceCuts find() {
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      const bool unused = uses_.consumers_of(ValueId(i)).empty() && uses_.producer_of(ValueId(i)) == kNoNode;
      if (unused) keep_all(ValueId(i));
    }
    for (const ValueId id : graph_.inputs) keep_all(id);
    for (const ValueId id : graph_.outputs) keep_all(id);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) enqueue(NodeId(i));
    do {
      settle();
    } while (keep_one_each() || refuse_sizes());
    SliceCuts cuts;
    cuts.kept = kept();
    cuts.nodes = std::move(resized_);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) count_labels(NodeId(i), cuts);
    return cuts;
  }

 private:
  // Codebooks and scales of blocks run across slices.
  static bool can_be_cut(const Value& value) {
    if (!value.quant) return true;
    const QParams* params = linear_params(value);
    return params != nullptr && params->block == 0;
  }

  AxisFlags& gone(ValueId id) { return gone_[index_of(id)]; }
  void enqueue(NodeId id) {
    if (queued_[index_of(id)]) return;
    queued_[index_of(id)] = true;
    queue_.push_back(id);
  }
  void changed(ValueId id) {
    if (uses_.producer_of(id) != kNoNode) enqueue(uses_.producer_of(id));
    for (const NodeId reader : uses_.consumers_of(id)) enqueue(reader);
  }

  void keep(ValueId id, size_t axis, size_t index) {
    if (gone(id)[axis].empty() || !gone(id)[axis][index]) return;
    gone(id)[axis][index] = false;
    changed(id);
  }
  void keep_place(ValueId id, const Dims& place) {
    for (size_t axis = 0; axis < place.size(); ++axis) keep(id, axis, static_cast<size_t>(place[axis]));
  }
  void keep_all(ValueId id) {
    if (id == kNoValue) return;
    for (auto& axis : gone(id)) {
      if (std::find(axis.begin(), axis.end(), true) == axis.end()) continue;
      axis.assign(axis.size(), false);
      changed(id);
    }
  }
  void keep_node(const Node& node) {
    for (const ValueId id : node.inputs) keep_all(id);
    for (const ValueId id : node.outputs) keep_all(id);
  }

  void settle() {
    while (!queue_.empty()) {
      const NodeId id = queue_.front();
      queue_.pop_front();
      queued_[index_of(id)] = false;
      const NodeView& view = views_[index_of(id)];
      if (view.axes) {
        agree(graph_[id], *view.axes);
      } else if (view.moves) {
        agree(graph_[id], *view.moves);
      } else {
        keep_node(graph_[id]);
      }
    }
  }

  template <typename Visit>
  static void for_each_operand(const Node& node, const NodeAxes& axes, const Visit& visit) {
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      if (node.inputs[k] != kNoValue) visit(node.inputs[k], axes.inputs[k]);
    }
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      if (node.outputs[k] != kNoValue) visit(node.outputs[k], axes.outputs[k]);
    }
  }

  // By label: its indices that no operand and no result keeps, and that may go from sums.
  AxisFlags gone_labels(const Node& node, const NodeAxes& axes) {
    AxisFlags labels;
    for (const NodeAxes::Label& label : axes.labels) {
      labels.emplace_back(static_cast<size_t>(label.extent), !label.stays && label.extent > 1);
    }
    std::vector<int64_t> indices(axes.labels.size(), 0);
    for_each_operand(node, axes, [&](ValueId id, const OperandAxes& operand) {
      for (size_t axis = 0; axis < operand.size(); ++axis) {
        for (size_t i = 0; i < gone(id)[axis].size(); ++i) {
          if (gone(id)[axis][i]) continue;
          split_index(axes, operand[axis], static_cast<int64_t>(i), indices);
          for (const int label : operand[axis]) keep_index(labels, label, indices);
        }
      }
    });
    for (const LabelSum& sum : axes.sums) keep_what_is_summed(node, axes, sum, labels);
    return labels;
  }
  static void keep_index(AxisFlags& labels, int label, const std::vector<int64_t>& indices) {
    labels[static_cast<size_t>(label)][static_cast<size_t>(indices[static_cast<size_t>(label)])] = false;
  }

  void keep_what_is_summed(const Node& node, const NodeAxes& axes, const LabelSum& sum, AxisFlags& labels) {
    std::vector<bool>& flags = labels[static_cast<size_t>(sum.label)];
    if (std::find(flags.begin(), flags.end(), true) == flags.end()) return;
    std::vector<bool> needed(flags.size(), true);
    for (const auto& [k, axis] : sum.terms) {
      const std::vector<bool> own = needed_by(node, axes, sum.label, static_cast<size_t>(k), static_cast<size_t>(axis));
      for (size_t i = 0; i < needed.size(); ++i) needed[i] = needed[i] && own[i];
    }
    for (size_t i = 0; i < flags.size(); ++i) flags[i] = flags[i] && !needed[i];
  }

  // By index of the label: whether the operand holds anything but zeros there, among what stays along its other axes.
  std::vector<bool> needed_by(const Node& node, const NodeAxes& axes, int label, size_t k, size_t axis) {
    const ValueId id = node.inputs[k];
    std::vector<bool> needed(static_cast<size_t>(axes.labels[static_cast<size_t>(label)].extent), false);
    std::vector<int64_t> indices(axes.labels.size(), 0);
    const auto need = [&](size_t index) {
      split_index(axes, axes.inputs[k][axis], static_cast<int64_t>(index), indices);
      needed[static_cast<size_t>(indices[static_cast<size_t>(label)])] = true;
    };
    if (!graph_[id].constant) {
      const std::vector<bool>& zero = zero_[index_of(id)][axis];
      for (size_t i = 0; i < zero.size(); ++i) {
        if (!zero[i]) need(i);
      }
      return needed;
    }
    const std::vector<bool>& nonzero = nonzero_[index_of(id)];
    if (nonzero.empty()) return std::vector<bool>(needed.size(), true);
    for_each_place(graph_[id].constant->dims(), [&](size_t element, const Dims& place) {
      if (!nonzero[element]) return;
      for (size_t other = 0; other < place.size(); ++other) {
        if (other != axis && gone(id)[other][static_cast<size_t>(place[other])]) return;
      }
      need(static_cast<size_t>(place[axis]));
    });
    return needed;
  }

  // An index of an axis goes when that of one of its labels does.
  void agree(const Node& node, const NodeAxes& axes) {
    const AxisFlags labels = gone_labels(node, axes);
    std::vector<int64_t> indices(axes.labels.size(), 0);
    for_each_operand(node, axes, [&](ValueId id, const OperandAxes& operand) {
      for (size_t axis = 0; axis < operand.size(); ++axis) {
        for (size_t i = 0; i < gone(id)[axis].size(); ++i) {
          split_index(axes, operand[axis], static_cast<int64_t>(i), indices);
          const bool goes = std::any_of(operand[axis].begin(), operand[axis].end(), [&](int label) {
            return labels[static_cast<size_t>(label)][static_cast<size_t>(indices[static_cast<size_t>(label)])];
          });
          if (!goes) keep(id, axis, i);
        }
      }
    });
  }

  struct Source {
    ValueId id;
    Dims place;
  };

  // An element goes with its copies.
  void agree(const Node& node, const MoveMap& map) {
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      if (!map.is_data(k)) keep_all(node.inputs[k]);
    }
    std::vector<bool> source_gone;
    map.for_each_source(
        [&](size_t k, const Dims& place) { source_gone.push_back(any_flag(gone(node.inputs[k]), place)); });
    std::vector<bool> wanted(source_gone.size(), false);
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      if (node.outputs[k] != kNoValue) agree(node.outputs[k], map, k, source_gone, wanted);
    }
    size_t next = 0;
    map.for_each_source([&](size_t k, const Dims& place) {
      if (wanted[next++]) keep_place(node.inputs[k], place);
    });
  }

  // Slices of a result that hold an element that stays, or no element of an operand, stay; elements of operands are
  // wanted where the result keeps them.
  void agree(ValueId id, const MoveMap& map, size_t output, const std::vector<bool>& source_gone,
             std::vector<bool>& wanted) {
    const std::vector<int32_t>& source_of = map.source_of(output);
    AxisFlags moved = gone(id);
    for (auto& axis : moved) axis.assign(axis.size(), false);
    for_each_place(map.output_dims(output), [&](size_t element, const Dims& place) {
      const int32_t source = source_of[element];
      if (source < 0) return;
      for (size_t axis = 0; axis < place.size(); ++axis) {
        if (!moved[axis].empty()) moved[axis][static_cast<size_t>(place[axis])] = true;
      }
    });
    for (size_t axis = 0; axis < moved.size(); ++axis) {
      for (size_t i = 0; i < moved[axis].size(); ++i) {
        if (!moved[axis][i]) keep(id, axis, i);
      }
    }
    for_each_place(map.output_dims(output), [&](size_t element, const Dims& place) {
      if (source_of[element] < 0) return;
      const auto source = static_cast<size_t>(source_of[element]);
      if (!source_gone[source]) keep_place(id, place);
      if (!any_flag(gone(id), place)) wanted[source] = true;
    });
  }

  bool keep_one_each() {
    bool any = false;
    for (size_t i = 0; i < gone_.size(); ++i) {
      for (size_t axis = 0; axis < gone_[i].size(); ++axis) {
        const std::vector<bool>& flags = gone_[i][axis];
        if (flags.empty() || std::find(flags.begin(), flags.end(), false) != flags.end()) continue;
        keep(ValueId(i), axis, 0);
        any = true;
      }
      if (any) return true;
    }
    return false;
  }

  // Moves that cannot say their new sizes keep all.
  bool refuse_sizes() {
    resized_.clear();
    const std::vector<KeptIndices> kept = this->kept();
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (!views_[i].moves || !loses(node)) continue;
      std::optional<ResizedNode> resized = views_[i].moves->resized(graph_, NodeId(i), kept);
      if (!resized)
        keep_node(node);
      else
        resized_.push_back(std::move(*resized));
    }
    return !queue_.empty();
  }
  bool loses(const Node& node) {
    const auto is_cut = [&](ValueId id) {
      return id != kNoValue && std::any_of(gone(id).begin(), gone(id).end(), [](const std::vector<bool>& axis) {
               return std::find(axis.begin(), axis.end(), true) != axis.end();
             });
    };
    return std::any_of(node.inputs.begin(), node.inputs.end(), is_cut) ||
           std::any_of(node.outputs.begin(), node.outputs.end(), is_cut);
  }

  std::vector<KeptIndices> kept() const {
    std::vector<KeptIndices> kept;
    for (const AxisFlags& flags : gone_) {
      KeptIndices& value = kept.emplace_back(flags.size());
      for (size_t axis = 0; axis < flags.size(); ++axis) {
        for (size_t i = 0; i < flags[axis].size(); ++i) {
          if (!flags[axis][i]) value[axis].push_back(static_cast<int64_t>(i));
        }
      }
    }
    return kept;
  }

  void count_labels(NodeId id, SliceCuts& cuts) {
    const std::optional<NodeAxes>& axes = views_[index_of(id)].axes;
    if (!axes || axes->counts.empty()) return;
    const AxisFlags labels = gone_labels(graph_[id], *axes);
    ResizedNode resized{id, graph_[id].attributes, {}};
    for (const auto& [attribute, label] : axes->counts) {
      const std::vector<bool>& flags = labels[static_cast<size_t>(label)];
      resized.attributes.insert_or_assign(std::string(attribute),
                                          static_cast<int64_t>(std::count(flags.begin(), flags.end(), false)));
    }
    if (loses(graph_[id])) cuts.nodes.push_back(std::move(resized));
  }

  const Graph& graph_;
  const Uses uses_;
  const std::vector<NodeView> views_;
  const std::vector<AxisFlags> zero_;
  std::vector<AxisFlags> gone_;             // by value
  std::vector<std::vector<bool>> nonzero_;  // by value: elements of constants
  std::vector<ResizedNode> resized_;
  std::deque<NodeId> queue_;
  std::vector<bool> queued_;
};

}  // namespace

SliceCuts find_slice_cuts(const Graph& graph) {
  return Cutter(graph).find();
}

}  // namespace tinyc
