// Shape inference over a whole graph.
#pragma once

#include "tinyc/ops/op.h"

namespace tinyc {

// Runs the op's inference with its error context (node and op named). Unknown ops give outputs of unknown type.
std::vector<InferContext::Known> infer_node(const Graph& graph, const Node& node,
                                            std::vector<InferContext::Known> inputs);

// One step of infer_types(): sets the types of what `node` computes. `dims` holds by value id what is known of the
// elements of values that compute shapes, and grows as needed.
void infer_outputs(Graph& graph, const Node& node, std::vector<std::optional<Shape>>& dims);

// Sets the type of every value that a node computes, from the graph's inputs and constants. Where the model declares a
// type too, what inference finds wins and the declared type fills the gaps. Subgraphs of control flow are inferred by
// their ops. Throws Error(kModel) that names the node and the operand that do not fit.
void infer_types(Graph& graph);

}  // namespace tinyc
