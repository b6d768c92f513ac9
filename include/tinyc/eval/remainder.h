// The part of a graph that is still to run once its first nodes have: what a search needs that changes something in the
// middle and looks at the end, over and over.
#pragma once

#include <span>
#include <vector>

#include "tinyc/ir/graph.h"

namespace tinyc {

struct Remainder {
  Graph graph;                  // outputs: those asked for, in that order
  std::vector<ValueId> inputs;  // by input of `graph`: the value of the whole graph
  std::vector<ValueId> values;  // by value of the whole graph: the value of `graph`, or kNoValue
  int64_t work = 0;  // of one run: multiply-accumulates and some for each element computed; open dims count as 1
};

// The nodes from `first` on that `outputs` need. Values that earlier nodes compute are inputs, of any dims; they keep
// their annotations, so the simulated engine rounds them on entry. An output may be such a value itself.
Remainder remainder_of(const Graph& graph, NodeId first, std::span<const ValueId> outputs);

}  // namespace tinyc
