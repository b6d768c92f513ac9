// Where an op that moves elements takes channels: it is run on their numbers.
#pragma once

#include <optional>
#include <vector>

#include "tinyc/quant/free_channels.h"

namespace tinyc {

// The dims of a shape with a small number, not 1, for each open one: along those, channels must not differ.
Dims concrete_dims(const Shape& shape);

// One map for each result, empty where that is not float. `operands` has a map for each operand whose elements are
// moved; the others are constants or left out. None where the op puts in numbers other than 0, where an operand is
// missing, or where channels would depend on the size of an open dim.
std::optional<std::vector<ChannelMap>> move_channels(const Graph& graph, const Node& node,
                                                     const std::vector<ChannelMap>& operands);

}  // namespace tinyc
