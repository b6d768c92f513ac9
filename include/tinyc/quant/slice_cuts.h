// Which slices of a graph's values can be taken out, with all that depends on them, without changing what the graph
// computes.
//
// Problem: weights that are 0 are a smaller model only when whole slices leave it: channels, heads of an attention,
// hidden units, with the rows that make them, what they pass through, and the columns that read them, where shapes
// fit afterwards. Method: a greatest fixpoint. At first every index of every axis of every value is to go; then nodes
// take indices back until all agree:
//   - inputs and outputs of the graph stay, as does what an op touches of which nothing is known;
//   - an index goes from all operands and results in which it is the same (ops/axes.h), or stays in all;
//   - where results sum over it, one factor of each product must be 0 there, among what stays (zero_slices.h);
//   - an op that moves elements is run on their numbers: elements go together with their copies. Then it is run once
//     more on what stays, with sizes brought up to date, and must give what stays of its results.
// What is left after that can go all at once. Each rule looks at one node, and indices that are back stay back, so the
// result depends on no order, and each node computes what it did before on what stays: by induction, so does the graph
// (sums of floats may be taken in another order). A value keeps an index of each axis. Cost: a few walks over weights
// and over the elements of values that are moved.
#pragma once

#include <vector>

#include "tinyc/ir/graph.h"
#include "tinyc/ops/axes.h"

namespace tinyc {

// What a node says of sizes, after the cuts.
struct ResizedNode {
  NodeId node;
  AttributeList attributes;
  std::vector<std::pair<int, Tensor>> constants;  // by operand: those that change
};

struct SliceCuts {
  std::vector<KeptIndices> kept;  // by value, by axis; values without a rank have none
  std::vector<ResizedNode> nodes;

  // Whether the value loses anything along that axis.
  bool cuts(const Graph& graph, ValueId id, size_t axis) const;
  bool cuts(const Graph& graph, ValueId id) const;
  bool empty(const Graph& graph) const;
};

// Types must be inferred. Quantized graphs may be annotated; then 0 is the real number.
SliceCuts find_slice_cuts(const Graph& graph);

// Types of computed values are not inferred anew.
void apply_slice_cuts(Graph& graph, const SliceCuts& cuts);

// The elements of a tensor at these indices of an axis.
Tensor take_indices(const Tensor& from, size_t axis, const std::vector<int64_t>& kept);

}  // namespace tinyc
