// The values by whose error a choice about another value is judged.
#pragma once

#include <vector>

#include "tinyc/quant/storage_plan.h"

namespace tinyc {

// Of what node `first` and later ones compute: the float outputs of the graph and then, from the end backwards, sources
// of groups other than `group` (-1: of all), one of each; `count` values in all, more only where there are more
// outputs.
std::vector<ValueId> last_values(const Graph& graph, const StoragePlan& plan, int group, NodeId first, size_t count);

// Of what node `first` and later ones compute: the float outputs of the graph and the sources of other groups that the
// members of `group` lead to with none of these between.
std::vector<ValueId> next_values(const Graph& graph, const StoragePlan& plan, int group, NodeId first);

}  // namespace tinyc
