// What of a graph can only leave it together: a channel with the rows that make it, all it passes through and the
// weights that read it; a head of an attention with its queries, keys and values; a hidden unit of a recurrent layer
// with all its gates.
//
// Problem: prune whole structures, of which slice_cuts.h then finds that they can be cut out. Method: the closure of
// one index. It goes at its node from all operands and results that have it (ops/axes.h), and on to the nodes that make
// or read these, until a layer's weights sum over it: there the weights that read it must become 0, which is what it
// costs. Ops that move elements take it along, where the elements are whole slices again on the other side. A closure
// that meets an input or an output of the graph, an op of which nothing is known, an axis that is mixed, or a sum
// without constant weights, is no structure. A head is an index that a product of two computed matrices has beside the
// matrices' own (of "b h m k, b h k n -> b h m n" it is h). Structures do not overlap: the first one found stays.
// Cost: for each structure a walk over the nodes it touches.
#pragma once

#include <compare>
#include <vector>

#include "tinyc/ir/graph.h"

namespace tinyc {

struct Slice {
  ValueId value;
  int axis;
  int64_t index;
  friend auto operator<=>(const Slice&, const Slice&) = default;
};

enum class StructureKind { kChannel, kHead };

struct Structure {
  std::vector<Slice> slices;  // that go, rising
  std::vector<Slice> read;    // those of constants that sums run over: once they are 0, all the others can go
};

// Types must be inferred.
std::vector<Structure> find_structures(const Graph& graph, StructureKind kind);

}  // namespace tinyc
