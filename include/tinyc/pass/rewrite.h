// Small helpers that rewriting passes share.
#pragma once

#include <optional>
#include <string_view>

#include "tinyc/ir/graph.h"
#include "tinyc/ops/op.h"

namespace tinyc {

inline bool is_op(const Node& node, std::string_view name) {
  return node.op != nullptr && node.op->domain.empty() && node.op->name == name;
}

// The operand's id, or kNoValue when the node has fewer operands.
inline ValueId operand(const Node& node, int idx) {
  return idx >= 0 && idx < static_cast<int>(node.inputs.size()) ? node.inputs[static_cast<size_t>(idx)] : kNoValue;
}

// The tensor of an operand that is a constant stored as it is computed; null for other operands.
const Tensor* plain_constant(const Graph& graph, ValueId id);
inline const Tensor* plain_constant(const Graph& graph, const Node& node, int idx) {
  return plain_constant(graph, operand(node, idx));
}

// The single node that reads the value; kNoNode when there are none or several, or when it is a graph output.
NodeId only_reader(const Uses& uses, ValueId id);

// Whether several operands are this value.
bool is_shared(const Graph& graph, ValueId id);

// Makes operand idx a new float constant, growing the operand list with absent operands when it is shorter.
void set_operand(Graph& graph, NodeId node, int idx, std::string_view name, Tensor tensor);

// Takes `node`, which computes output 0 from `input`, out of the graph: readers of the output read `input`. When the
// output is a graph output, `input` takes over its name (so `input` must be made by a node that nothing else observes);
// returns false and changes nothing where that is not possible.
bool bypass(Graph& graph, const Uses& uses, NodeId node, ValueId input);

}  // namespace tinyc
