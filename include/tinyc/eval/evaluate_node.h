// Runs one node by its op's reference, on given tensors: constant folding, control flow, op tests.
#pragma once

#include "tinyc/ir/graph.h"

namespace tinyc {

// One tensor per output (undefined where the output is left out). Errors carry the node. Throws Error(kModel) for an op
// that tinyc does not know.
std::vector<Tensor> evaluate_node(const Graph& graph, const Node& node, std::span<const Tensor> inputs);

}  // namespace tinyc
