// What the control flow ops (If, Loop, Scan) share: inference through their subgraphs, and moving slices of tensors
// in and out of iterations.
#pragma once

#include <span>
#include <vector>

#include "tinyc/ops/op.h"

namespace tinyc {

// A graph attribute that the op cannot do without. Throws Error(kModel) when it is absent.
const Graph& required_graph(const Node& node, std::string_view name);

// Operand idx, as an input of a subgraph. The value is known only where it is the same in every iteration.
struct SubgraphInput {
  TensorType type;
  std::optional<Tensor> value = {};
};
SubgraphInput subgraph_input(const InferContext& c, int idx);

// Types of the graph's outputs when its inputs have these types. Throws Error(kModel) when their number differs.
std::vector<TensorType> infer_subgraph(const Graph& graph, std::span<const SubgraphInput> inputs);

// The same for a body that runs again and again: input first_input + i is what output first_output + i was, for the
// first `count` i. Such a state has the type that is true before every iteration.
struct States {
  size_t first_input;
  size_t first_output;
  size_t count;
};
std::vector<TensorType> infer_body(const Graph& body, std::vector<SubgraphInput> inputs, const States& states);

// Throws Error(kModel) unless the graph has that many inputs and outputs.
void require_signature(const Graph& graph, size_t inputs, size_t outputs);

// The slice at `at` along `axis`, without that axis.
Tensor slice_at(const Tensor& tensor, int axis, int64_t at);
// Slices side by side along a new `axis`, in order or last one first. Throws Error(kModel) when their types differ.
// There is at least one.
Tensor stack(std::span<const Tensor> slices, int axis, bool reversed);
// What stack() would give of no slices of that type: a tensor with nothing in it.
Tensor empty_stack(const TensorType& slice, int axis);

}  // namespace tinyc
