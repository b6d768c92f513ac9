// The bias operand of a layer that computes on integers: stored as int32 in the accumulator's steps,
// scale = s_input * s_weight, so its parameters follow from those of the other operands.
#pragma once

#include <span>

#include "tinyc/ir/graph.h"

namespace tinyc {

// Whether the bias is added as it is: no alpha or beta scales it or the product.
bool adds_plain_bias(const Node& node);

// Sets the parameters of the node's bias from those of its data and weights. A bias too large for 32 bits raises its
// channel's weight scale; returns how many it raised. Nothing happens (0) where the bias is no constant of rank 1, or
// data or weights have no parameters.
int derive_bias_params(Graph& graph, const Node& node);

// As derive_bias_params for every node that reads one of `values` as its data.
int derive_bias_params_of_readers(Graph& graph, std::span<const ValueId> values);

}  // namespace tinyc
