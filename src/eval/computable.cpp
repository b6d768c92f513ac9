#include "tinyc/eval/computable.h"

#include <algorithm>

namespace tinyc {
namespace {

bool is_known(const Node& node) {
  if (node.op == nullptr) return false;
  for (const auto& [name, attribute] : node.attributes) {
    const auto* body = std::get_if<std::shared_ptr<const Graph>>(&attribute);
    if (body == nullptr || *body == nullptr) continue;
    if (!std::all_of((*body)->nodes.begin(), (*body)->nodes.end(), is_known)) return false;
  }
  return true;
}

// By value: a node that cannot be run makes it, at once or through others.
std::vector<bool> find_lost(const Graph& graph, std::vector<bool>& nodes) {
  std::vector<bool> lost(graph.values.size(), false);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const bool reads_lost = std::any_of(node.inputs.begin(), node.inputs.end(),
                                        [&](ValueId id) { return id != kNoValue && lost[index_of(id)]; });
    nodes[i] = is_known(node) && !reads_lost;
    if (nodes[i]) continue;
    for (ValueId id : node.outputs) {
      if (id != kNoValue) lost[index_of(id)] = true;
    }
  }
  return lost;
}

}  // namespace

std::vector<bool> computable_nodes(const Graph& graph) {
  std::vector<bool> nodes(graph.nodes.size());
  find_lost(graph, nodes);
  return nodes;
}

Graph computable_part(const Graph& graph) {
  std::vector<bool> runs(graph.nodes.size());
  const std::vector<bool> lost = find_lost(graph, runs);
  if (std::find(runs.begin(), runs.end(), false) == runs.end()) return graph;
  Graph part = graph;
  part.nodes.clear();
  part.outputs.clear();
  std::vector<bool> computed(graph.values.size(), false);
  const auto hand_out = [&](ValueId id) {
    const bool given = std::find(part.outputs.begin(), part.outputs.end(), id) != part.outputs.end();
    if (id != kNoValue && computed[index_of(id)] && !given) part.outputs.push_back(id);
  };
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!runs[i]) continue;
    part.nodes.push_back(graph.nodes[i]);
    for (ValueId id : graph.nodes[i].outputs) {
      if (id != kNoValue) computed[index_of(id)] = true;
    }
  }
  for (ValueId id : graph.outputs) {
    if (!lost[index_of(id)]) part.outputs.push_back(id);
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (runs[i]) continue;
    for (ValueId id : graph.nodes[i].inputs) hand_out(id);
  }
  return part;
}

}  // namespace tinyc
