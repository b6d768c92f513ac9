// Weights in forms that a reader may not have, as 8-bit integers with a scale for each channel.
#pragma once

#include "tinyc/ir/graph.h"

namespace tinyc {

// Packed weights of less than 8 bits are stored in 8; scales by blocks become scales by channel, with the blocks'
// factors multiplied into the integers, where they are small multiples of one another.
Graph with_byte_weights(const Graph& graph);

// Only scales by blocks of weights that have 8 bits anyway: onnxruntime takes such a DequantizeLinear for one by
// channel when it makes an integer operator of it, and fails.
Graph without_byte_blocks(const Graph& graph);

}  // namespace tinyc
