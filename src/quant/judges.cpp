#include "tinyc/quant/judges.h"

#include <algorithm>

namespace tinyc {
namespace {

bool contains(const std::vector<ValueId>& values, ValueId id) {
  return std::find(values.begin(), values.end(), id) != values.end();
}

// The group that the value is a source of; -1: of none.
int group_of_source(const StoragePlan& plan, ValueId id) {
  if (id == kNoValue || index_of(id) >= plan.group_of.size()) return -1;
  const int group = plan.group_of[index_of(id)];
  return group >= 0 && contains(plan.groups[static_cast<size_t>(group)].sources, id) ? group : -1;
}

// Float outputs of the graph that node `first` or a later one computes.
std::vector<ValueId> float_outputs(const Graph& graph, NodeId first) {
  std::vector<ValueId> outputs;
  for (size_t i = index_of(first); i < graph.nodes.size(); ++i) {
    for (ValueId id : graph.nodes[i].outputs) {
      if (id != kNoValue && contains(graph.outputs, id) && graph[id].type.dtype == DataType::kFloat)
        outputs.push_back(id);
    }
  }
  return outputs;
}

}  // namespace

std::vector<ValueId> last_values(const Graph& graph, const StoragePlan& plan, int group, NodeId first, size_t count) {
  std::vector<ValueId> values = float_outputs(graph, first);
  std::vector<bool> taken(plan.groups.size(), false);
  if (group >= 0) taken[static_cast<size_t>(group)] = true;
  for (ValueId id : values) {
    if (plan.group_of[index_of(id)] >= 0) taken[static_cast<size_t>(plan.group_of[index_of(id)])] = true;
  }
  for (size_t i = graph.nodes.size(); i-- > index_of(first) && values.size() < count;) {
    for (ValueId id : graph.nodes[i].outputs) {
      const int owner = group_of_source(plan, id);
      if (owner < 0 || taken[static_cast<size_t>(owner)]) continue;
      taken[static_cast<size_t>(owner)] = true;
      values.push_back(id);
    }
  }
  return values;
}

std::vector<ValueId> next_values(const Graph& graph, const StoragePlan& plan, int group, NodeId first) {
  std::vector<bool> reached(graph.values.size(), false);
  for (ValueId id : plan.groups[static_cast<size_t>(group)].members) reached[index_of(id)] = true;
  std::vector<ValueId> values;
  const std::vector<ValueId> outputs = float_outputs(graph, first);
  for (size_t i = index_of(first); i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const bool reads = std::any_of(node.inputs.begin(), node.inputs.end(),
                                   [&](ValueId id) { return id != kNoValue && reached[index_of(id)]; });
    if (!reads) continue;
    for (ValueId id : node.outputs) {
      if (id == kNoValue) continue;
      const int owner = group_of_source(plan, id);
      const bool ends_here = (owner >= 0 && owner != group) || contains(outputs, id);
      if (ends_here) values.push_back(id);
      reached[index_of(id)] = reached[index_of(id)] || !ends_here;
    }
  }
  return values;
}

}  // namespace tinyc
