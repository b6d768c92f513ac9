// A branch becomes part of the graph around it: its captures are values of that graph already (the operands of the If
// that follow the condition, in the order of the branch's last inputs), its constants and inner values are added under
// new names, and what computes the branch's outputs now computes the outputs of the If, under their names.
#include "tinyc/pass/inline_if.h"

#include <string>
#include <unordered_set>

#include "tinyc/base/error.h"
#include "tinyc/pass/rewrite.h"

namespace tinyc {
namespace {

class Inliner {
 public:
  explicit Inliner(Graph& graph) : graph_(graph) {
    for (const Value& value : graph.values) value_names_.insert(value.name);
    for (const Node& node : graph.nodes) node_names_.insert(node.name);
  }

  bool run() {
    std::vector<Node> old = std::move(graph_.nodes);
    graph_.nodes.clear();
    for (Node& node : old) append(std::move(node));
    return changed_;
  }

 private:
  void append(Node node) {
    const Tensor* condition = is_op(node, "If") ? plain_constant(graph_, node, 0) : nullptr;
    if (condition == nullptr || condition->size() != 1) {
      graph_.nodes.push_back(std::move(node));
      return;
    }
    changed_ = true;
    const auto branch = graph_attr(node, condition->to_int64().at(0) != 0 ? "then_branch" : "else_branch");
    if (branch == nullptr || branch->outputs.size() < node.outputs.size()) {
      throw Error(ErrorKind::kModel, describe(node) + ": the branch taken does not have the outputs of the node");
    }
    inline_branch(node, *branch);
  }

  void inline_branch(const Node& node, const Graph& branch) {
    std::vector<ValueId> outer(branch.values.size(), kNoValue);
    TINYC_CHECK(branch.inputs.size() == static_cast<size_t>(node.captures));
    for (size_t i = 0; i < branch.inputs.size(); ++i) {
      outer[index_of(branch.inputs[i])] = node.inputs[node.inputs.size() - branch.inputs.size() + i];
    }
    const Uses uses(branch);
    std::vector<std::pair<ValueId, ValueId>> handed_through;
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const ValueId inner = branch.outputs[i];
      if (node.outputs[i] == kNoValue) continue;
      if (outer[index_of(inner)] != kNoValue || uses.producer_of(inner) == kNoNode) {
        handed_through.emplace_back(inner, node.outputs[i]);
      } else {
        outer[index_of(inner)] = node.outputs[i];
        graph_[node.outputs[i]].type = branch[inner].type;
      }
    }
    for (size_t i = 0; i < branch.values.size(); ++i) {
      if (outer[i] == kNoValue) outer[i] = add_value(branch.values[i]);
    }
    for (Node inner : branch.nodes) {
      for (auto* ids : {&inner.inputs, &inner.outputs}) {
        for (ValueId& id : *ids) {
          if (id != kNoValue) id = outer[index_of(id)];
        }
      }
      inner.name = unique(node_names_, inner.name);
      append(std::move(inner));
    }
    for (const auto& [inner, output] : handed_through) append_identity(node, outer[index_of(inner)], output);
  }

  void append_identity(const Node& node, ValueId from, ValueId to) {
    Node identity;
    identity.op = find_op("", "Identity");
    identity.name = unique(node_names_, node.name);
    identity.inputs = {from};
    identity.outputs = {to};
    identity.origin = node.origin;
    graph_[to].type = graph_[from].type;
    graph_.nodes.push_back(std::move(identity));
  }

  ValueId add_value(Value value) {
    value.name = unique(value_names_, value.name);
    return graph_.add_value(std::move(value));
  }

  static std::string unique(std::unordered_set<std::string>& taken, const std::string& base) {
    std::string candidate = base;
    for (int suffix = 1; !taken.insert(candidate).second; ++suffix) candidate = base + "_" + std::to_string(suffix);
    return candidate;
  }

  Graph& graph_;
  std::unordered_set<std::string> value_names_;
  std::unordered_set<std::string> node_names_;
  bool changed_ = false;
};

}  // namespace

bool inline_constant_ifs(Graph& graph) {
  return Inliner(graph).run();
}

}  // namespace tinyc
