#include "tinyc/pass/rewrite.h"

#include <algorithm>

namespace tinyc {

const Tensor* plain_constant(const Graph& graph, ValueId id) {
  if (id == kNoValue || !graph[id].constant) return nullptr;
  const Value& value = graph[id];
  return value.constant->dtype() == value.type.dtype ? &*value.constant : nullptr;
}

NodeId only_reader(const Uses& uses, ValueId id) {
  return uses.has_single_reader(id) ? uses.consumers_of(id).front() : kNoNode;
}

void set_operand(Graph& graph, NodeId node, int idx, std::string_view name, Tensor tensor) {
  const ValueId id = graph.add_constant(name, std::move(tensor));
  std::vector<ValueId>& inputs = graph[node].inputs;
  if (static_cast<int>(inputs.size()) <= idx) inputs.resize(static_cast<size_t>(idx) + 1, kNoValue);
  inputs[static_cast<size_t>(idx)] = id;
}

bool bypass(Graph& graph, const Uses& uses, NodeId node, ValueId input) {
  const ValueId output = graph[node].outputs.front();
  if (uses.is_output[index_of(output)]) {
    const bool takes_name = uses.producer_of(input) != kNoNode && !uses.is_output[index_of(input)];
    if (!takes_name) return false;
    std::swap(graph[input].name, graph[output].name);
  }
  graph[node].outputs.front() = kNoValue;  // dead now; remove_dead() collects it
  replace_uses(graph, output, input);
  return true;
}

bool is_shared(const Graph& graph, ValueId id) {
  int64_t readers = 0;
  for (const Node& node : graph.nodes) readers += std::count(node.inputs.begin(), node.inputs.end(), id);
  return readers > 1;
}

}  // namespace tinyc
