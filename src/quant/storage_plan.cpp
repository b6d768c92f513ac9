#include "tinyc/quant/storage_plan.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "tinyc/eval/computable.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

bool is_transparent(const Node& node) {
  return node.op->quant.kind == QuantKind::kSameAsInput;
}

bool is_float(const Graph& graph, ValueId id) {
  return id != kNoValue && graph[id].type.dtype == DataType::kFloat;
}

bool touches_floats(const Graph& graph, const Node& node) {
  const auto floating = [&](ValueId id) { return id != kNoValue && is_floating(graph[id].type.dtype); };
  return std::any_of(node.outputs.begin(), node.outputs.end(), floating) ||
         std::any_of(node.inputs.begin(), node.inputs.end(),
                     [&](ValueId id) { return floating(id) && !graph[id].constant; });
}

// A clamp from 0 whose limits are constants: the grid of its output can stand for it exactly.
bool clamps_at_zero(const Graph& graph, const Node& node) {
  if (node.op->inputs.max == 1) return true;  // Relu
  if (node.inputs.size() < 2 || node.inputs[1] == kNoValue || !graph[node.inputs[1]].constant) return false;
  if (node.inputs.size() > 2 && node.inputs[2] != kNoValue && !graph[node.inputs[2]].constant) return false;
  return graph[node.inputs[1]].constant->to_float() == std::vector{0.0F};
}

class Planner {
 public:
  Planner(const Graph& graph, const QuantizationSettings& settings)
      : graph_(graph),
        settings_(settings),
        uses_(graph),
        computable_(computable_nodes(graph)),
        parent_(graph.values.size()) {
    std::iota(parent_.begin(), parent_.end(), size_t{0});
    plan_.integer_nodes.assign(graph.nodes.size(), false);
    plan_.fused_clamps.assign(graph.nodes.size(), false);
    plan_.group_of.assign(graph.values.size(), -1);
  }

  StoragePlan make() {
    choose_integer_nodes();
    fuse_clamps();
    group_values();
    while (unfuse_clamps()) group_values();
    return std::move(plan_);
  }

 private:
  // Why the node cannot compute on integers; empty when it can.
  std::string reason_for_float(const Node& node) const {
    if (node.op == nullptr) return "tinyc does not know this op";
    if (!computable_[static_cast<size_t>(&node - graph_.nodes.data())]) return "it follows an op that tinyc cannot run";
    const QuantTraits& quant = node.op->quant;
    if (std::find(settings_.skip.begin(), settings_.skip.end(), node.name) != settings_.skip.end()) {
      return "skipped by request";
    }
    if (quant.kind == QuantKind::kFloat) {
      return quant.why_float.empty() ? "this op has no integer form" : std::string(quant.why_float);
    }
    if (quant.kind == QuantKind::kWeightsOnly)
      return "runtimes compute this op in float; its weights are stored as integers";
    for (int i = 0; i < static_cast<int>(node.inputs.size()); ++i) {
      const ValueId id = node.inputs[static_cast<size_t>(i)];
      if (id != kNoValue && is_data_operand(node, i) && !is_float(graph_, id)) {
        return "its data are " + std::string(name_of(graph_[id].type.dtype)) + ", not float32";
      }
    }
    const bool gives_floats =
        std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId output) { return is_float(graph_, output); });
    if (!gives_floats) return "its result is not float32";
    return {};
  }

  void choose_integer_nodes() {
    std::vector<std::string> reasons;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      reasons.push_back(reason_for_float(graph_.nodes[i]));
      plan_.integer_nodes[i] = reasons[i].empty() && !is_transparent(graph_.nodes[i]);
    }
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t i = 0; i < graph_.nodes.size(); ++i) {
        if (plan_.integer_nodes[i] || !reasons[i].empty() || !has_integer_neighbour(graph_.nodes[i])) continue;
        plan_.integer_nodes[i] = changed = true;
      }
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (plan_.integer_nodes[i] || !touches_floats(graph_, node)) continue;
      plan_.float_nodes.push_back({node.name, op_name(node),
                                   reasons[i].empty() ? "it stands between nodes that compute in float" : reasons[i]});
    }
  }

  bool has_integer_neighbour(const Node& node) const {
    const NodeId producer = uses_.producer_of(node.inputs[0]);
    if (producer != kNoNode && plan_.integer_nodes[index_of(producer)]) return true;
    for (ValueId output : node.outputs) {
      if (output == kNoValue) continue;
      for (NodeId reader : uses_.consumers_of(output)) {
        if (plan_.integer_nodes[index_of(reader)] && reads_as_data(graph_[reader], output)) return true;
      }
    }
    return false;
  }

  static bool reads_as_data(const Node& node, ValueId id) {
    for (int i = 0; i < static_cast<int>(node.inputs.size()); ++i) {
      if (node.inputs[static_cast<size_t>(i)] == id && is_data_operand(node, i)) return true;
    }
    return false;
  }

  void fuse_clamps() {
    if (settings_.symmetric_activations) return;  // the grid's lower end is not 0 then
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (!plan_.integer_nodes[i] || node.op->quant.kind != QuantKind::kClamp || !clamps_at_zero(graph_, node))
        continue;
      const NodeId producer = uses_.producer_of(node.inputs[0]);
      if (producer == kNoNode || !plan_.integer_nodes[index_of(producer)]) continue;
      const bool computes =
          graph_[producer].op->quant.kind == QuantKind::kCompute || plan_.fused_clamps[index_of(producer)];
      if (computes && uses_.has_single_reader(node.inputs[0])) plan_.fused_clamps[i] = true;
    }
  }

  size_t root(size_t idx) {
    while (parent_[idx] != idx) idx = parent_[idx] = parent_[parent_[idx]];
    return idx;
  }
  void tie(ValueId a, ValueId b) { parent_[root(index_of(a))] = root(index_of(b)); }

  // The range of a group is that of all its sources, so a clamp whose result joins values outside its limits (Concat)
  // would have no grid to stand for it: it becomes a node of its own again.
  bool unfuse_clamps() {
    bool changed = false;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      const int group = plan_.fused_clamps[i] ? plan_.group_of[index_of(node.outputs[0])] : -1;
      if (group < 0) continue;
      const std::vector<ValueId>& sources = plan_.groups[static_cast<size_t>(group)].sources;
      const Limits limits = limits_of(node);
      const auto inside = [&](ValueId source) {
        const NodeId producer = uses_.producer_of(source);
        if (producer == kNoNode) return false;
        const Limits found = limits_of(graph_[producer]);
        return found.low >= limits.low && found.high <= limits.high;
      };
      if (std::all_of(sources.begin(), sources.end(), inside)) continue;
      plan_.fused_clamps[i] = false;
      changed = true;
    }
    return changed;
  }

  struct Limits {
    float low = -std::numeric_limits<float>::infinity();
    float high = std::numeric_limits<float>::infinity();
  };

  // What is known of a node's result without data.
  Limits limits_of(const Node& node) const {
    if (node.op == nullptr) return {};
    if (node.op->quant.kind == QuantKind::kFixedRange) return {node.op->quant.low, node.op->quant.high};
    if (node.op->quant.kind != QuantKind::kClamp || !clamps_at_zero(graph_, node)) return {};
    Limits limits{.low = 0.0F};
    if (node.inputs.size() > 2 && node.inputs[2] != kNoValue)
      limits.high = graph_[node.inputs[2]].constant->to_float()[0];
    return limits;
  }

  void group_values() {
    plan_.groups.clear();
    plan_.group_of.assign(graph_.values.size(), -1);
    std::iota(parent_.begin(), parent_.end(), size_t{0});
    std::vector<bool> on_grid(graph_.values.size(), false);
    std::vector<bool> derived(graph_.values.size(), false);  // holds only elements of other members of its group
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (plan_.integer_nodes[i]) place_on_grid(NodeId(i), on_grid, derived);
    }
    std::map<size_t, int> group_of_root;
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      if (!on_grid[i]) continue;
      const auto [entry, added] = group_of_root.try_emplace(root(i), static_cast<int>(plan_.groups.size()));
      if (added) plan_.groups.emplace_back();
      StoragePlan::Group& group = plan_.groups[static_cast<size_t>(entry->second)];
      group.members.push_back(ValueId(i));
      if (!derived[i]) group.sources.push_back(ValueId(i));
      plan_.group_of[i] = entry->second;
    }
    for (StoragePlan::Group& group : plan_.groups) fix_range(group);
  }

  void place_on_grid(NodeId id, std::vector<bool>& on_grid, std::vector<bool>& derived) {
    const Node& node = graph_[id];
    const QuantKind kind = node.op->quant.kind;
    ValueId first_data = kNoValue;
    for (int i = 0; i < static_cast<int>(node.inputs.size()); ++i) {
      const ValueId input = node.inputs[static_cast<size_t>(i)];
      if (input == kNoValue || !is_data_operand(node, i) || is_weight_operand(graph_, node, i)) continue;
      const bool inside_clamp = i == 0 && plan_.fused_clamps[index_of(id)];
      if (!inside_clamp) on_grid[index_of(input)] = true;
      if (first_data == kNoValue) first_data = input;
      if (kind == QuantKind::kShared) tie(input, first_data);
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const ValueId output = node.outputs[i];
      if (!is_float(graph_, output) || feeds_fused_clamp(output) || stays_float(node, i)) continue;
      on_grid[index_of(output)] = true;
      if (kind != QuantKind::kShared && kind != QuantKind::kSameAsInput) continue;
      tie(output, first_data);
      derived[index_of(output)] = true;
    }
  }

  static bool stays_float(const Node& node, size_t output) {
    return output < 32 && ((node.op->quant.float_outputs >> output) & 1U) != 0;
  }

  bool feeds_fused_clamp(ValueId id) const {
    return uses_.has_single_reader(id) && plan_.fused_clamps[index_of(uses_.consumers_of(id).front())];
  }

  // A group has a fixed range when all its sources have the same one.
  void fix_range(StoragePlan::Group& group) const {
    for (ValueId source : group.sources) {
      const NodeId producer = uses_.producer_of(source);
      if (producer == kNoNode || !plan_.integer_nodes[index_of(producer)]) return;
      const QuantTraits& quant = graph_[producer].op->quant;
      if (quant.kind != QuantKind::kFixedRange) return;
      if (source != group.sources.front() && (quant.low != group.low || quant.high != group.high)) return;
      group.low = quant.low;
      group.high = quant.high;
    }
    group.fixed = !group.sources.empty();
  }

  const Graph& graph_;
  const QuantizationSettings& settings_;
  const Uses uses_;
  const std::vector<bool> computable_;  // by node
  std::vector<size_t> parent_;          // union-find over values
  StoragePlan plan_;
};

}  // namespace

bool is_weight_operand(const Graph& graph, const Node& node, int idx) {
  if (node.op == nullptr) return false;
  const auto& weights = node.op->quant.weights;
  const ValueId id = node.inputs[static_cast<size_t>(idx)];
  return std::find(weights.begin(), weights.end(), idx) != weights.end() && id != kNoValue &&
         graph[id].constant.has_value();
}

StoragePlan plan_storage(const Graph& graph, const QuantizationSettings& settings) {
  return Planner(graph, settings).make();
}

}  // namespace tinyc
