// Control flow that is decided before the model runs.
#pragma once

#include "tinyc/ir/graph.h"

namespace tinyc {

// Replaces each If whose condition is a constant by the nodes of the branch that it takes, also where such an If stood
// in a branch. Values that nobody reads any more stay behind: remove_dead() drops them; types must be inferred again.
// Returns true when the graph changed. Throws Error(kModel) when a branch does not have the outputs of its If.
bool inline_constant_ifs(Graph& graph);

}  // namespace tinyc
