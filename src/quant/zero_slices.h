// Which slices of a graph's values are 0 for every input.
//
// Forward, in execution order: constants are looked at; moves move zeros (move_map.h); a layer's output channel is 0
// where its bias is and each of its weights either is 0 or meets a channel that is; sums and products follow from
// their operands; a function of one operand keeps zeros where f(0) = 0. Whatever is not known is not 0.
#pragma once

#include <optional>
#include <vector>

#include "quant/move_map.h"

namespace tinyc {

// By element: whether a constant holds a number other than 0; on a grid, another than that of its zero point.
std::vector<bool> nonzero_elements(const Value& constant);

// What analyses of slices ask of a node; one of the two at most.
struct NodeView {
  std::optional<NodeAxes> axes;
  std::optional<MoveMap> moves;
};
std::vector<NodeView> view_nodes(const Graph& graph);

// By value.
std::vector<AxisFlags> find_zero_slices(const Graph& graph, const std::vector<NodeView>& views);

}  // namespace tinyc
