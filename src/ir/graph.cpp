#include "tinyc/ir/graph.h"

#include <algorithm>
#include <queue>
#include <set>

#include "tinyc/base/error.h"

namespace tinyc {

ValueId Graph::add_value(Value value) {
  values.push_back(std::move(value));
  return ValueId(values.size() - 1);
}

ValueId Graph::add_constant(std::string_view base, Tensor tensor) {
  Value value;
  value.name = unique_name(base);
  value.type = tensor.type();
  value.constant = std::move(tensor);
  return add_value(std::move(value));
}

std::string Graph::unique_name(std::string_view base) const {
  const auto taken = [&](const std::string& candidate) {
    return std::any_of(values.begin(), values.end(), [&](const Value& value) { return value.name == candidate; });
  };
  std::string candidate(base);
  for (int suffix = 1; taken(candidate); ++suffix) candidate = std::string(base) + "_" + std::to_string(suffix);
  return candidate;
}

Uses::Uses(const Graph& graph)
    : producer(graph.values.size(), kNoNode), consumers(graph.values.size()), is_output(graph.values.size(), false) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (ValueId id : graph.nodes[i].outputs) {
      if (id != kNoValue) producer[index_of(id)] = NodeId(i);
    }
    for (ValueId id : graph.nodes[i].inputs) {
      if (id != kNoValue) consumers[index_of(id)].push_back(NodeId(i));
    }
  }
  for (ValueId id : graph.outputs) is_output[index_of(id)] = true;
}

void replace_uses(Graph& graph, ValueId from, ValueId to) {
  for (Node& node : graph.nodes) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  std::replace(graph.outputs.begin(), graph.outputs.end(), from, to);
}

void remove_dead(Graph& graph) {
  std::vector<bool> live(graph.values.size(), false);
  for (ValueId id : graph.outputs) live[index_of(id)] = true;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    const bool needed = std::any_of(node.outputs.begin(), node.outputs.end(),
                                    [&](ValueId id) { return id != kNoValue && live[index_of(id)]; });
    if (!needed) {
      graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    for (ValueId id : node.outputs) {
      if (id != kNoValue) live[index_of(id)] = true;
    }
    for (ValueId id : node.inputs) {
      if (id != kNoValue) live[index_of(id)] = true;
    }
  }
  for (ValueId id : graph.inputs) live[index_of(id)] = true;

  std::vector<ValueId> renumbered(graph.values.size(), kNoValue);
  std::vector<Value> kept;
  for (size_t i = 0; i < graph.values.size(); ++i) {
    if (!live[i]) continue;
    renumbered[i] = ValueId(kept.size());
    kept.push_back(std::move(graph.values[i]));
  }
  graph.values = std::move(kept);
  const auto renumber = [&](std::vector<ValueId>& ids) {
    for (ValueId& id : ids) {
      if (id != kNoValue) id = renumbered[index_of(id)];
    }
  };
  for (Node& node : graph.nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
  }
  renumber(graph.inputs);
  renumber(graph.outputs);
}

void sort_nodes(Graph& graph) {
  const Uses uses(graph);
  std::vector<int> missing(graph.nodes.size(), 0);
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (ValueId id : graph.nodes[i].inputs) {
      if (id != kNoValue && uses.producer_of(id) != kNoNode) ++missing[i];
    }
    if (missing[i] == 0) ready.push(i);
  }
  std::vector<size_t> order;
  while (!ready.empty()) {
    const size_t idx = ready.top();
    ready.pop();
    order.push_back(idx);
    for (ValueId id : graph.nodes[idx].outputs) {
      if (id == kNoValue) continue;
      for (NodeId reader : uses.consumers_of(id)) {
        if (--missing[index_of(reader)] == 0) ready.push(index_of(reader));
      }
    }
  }
  if (order.size() != graph.nodes.size()) {
    const auto stuck = std::find_if(missing.begin(), missing.end(), [](int count) { return count > 0; });
    throw Error(ErrorKind::kModel,
                describe(graph.nodes[static_cast<size_t>(stuck - missing.begin())]) + ": depends on its own output",
                "the graph has a cycle; re-export the model");
  }
  std::vector<Node> sorted;
  sorted.reserve(order.size());
  for (size_t idx : order) sorted.push_back(std::move(graph.nodes[idx]));
  graph.nodes = std::move(sorted);
}

}  // namespace tinyc
