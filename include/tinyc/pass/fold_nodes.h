// Computes nodes whose operands are all constants, in front of the run.
#pragma once

#include <cstdint>

#include "tinyc/ir/graph.h"
#include "tinyc/pass/context.h"

namespace tinyc {

// Random ops are left alone, as are annotated results, nodes that `wanted` (null: all) does not want, and a node whose
// result is larger than `max_bytes` while its operands are not. A result that inference knows, as that of shape
// arithmetic, needs no constant operands. Counts "folded"; returns whether there were any. Dead nodes remain.
bool fold_nodes(Graph& graph, int64_t max_bytes, PassContext& context,
                bool (*wanted)(const Graph& graph, const Node& node) = nullptr);

}  // namespace tinyc
