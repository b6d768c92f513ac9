// A model whose activations have the moments that BatchNormalization recorded, on inputs that are not data.
#pragma once

#include <span>

#include "tinyc/eval/layerwise.h"
#include "tinyc/quant/recorded_moments.h"

namespace tinyc {

// The float graph with the weights and biases of each layer that `table` knows scaled and shifted, channel by channel,
// such that over `samples` (one at least) mean and deviation of its output are those of the table. Nodes and values
// stay as they are. Every op must be known.
Graph match_moments(const Graph& graph, const MomentTable& table, std::span<const Sample> samples, int threads);

}  // namespace tinyc
