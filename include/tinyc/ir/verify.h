// Checks the invariants of a graph (ir/graph.h).
#pragma once

#include "tinyc/ir/graph.h"

namespace tinyc {

// Throws Error(kInternal) that names the first broken invariant: ids in range, one producer per value, execution order,
// unique names, constants whose type and size fit, annotations that fit their values. Cost: linear in the graph.
void verify(const Graph& graph);

}  // namespace tinyc
