// The part of a graph that the evaluator can run, when the model holds ops that tinyc does not know.
#pragma once

#include <vector>

#include "tinyc/ir/graph.h"

namespace tinyc {

// By node: its op is known, in its subgraphs too, and so are all that its operands come from.
std::vector<bool> computable_nodes(const Graph& graph);

// The graph without the other nodes. Its outputs are those of the graph that are left, then what the dropped nodes
// would have read. Ids of values stay as they are. The graph itself when all of it can be run.
Graph computable_part(const Graph& graph);

}  // namespace tinyc
