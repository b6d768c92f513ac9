// The limits that a Relu or Clip puts on what it reads, whatever the op: what lies beyond them is cut off, and with it
// any error there.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>

#include "tinyc/ir/graph.h"

namespace tinyc {

struct ClampLimits {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();

  float operator()(float x) const { return std::clamp(x, low, high); }
  friend bool operator==(const ClampLimits&, const ClampLimits&) = default;
};

// Of a node of QuantKind::kClamp on floats; `constant_of` gives the tensor of a constant operand, null for others.
// Nothing for other nodes, and where a limit is computed.
std::optional<ClampLimits> clamp_limits(const Node& node, const std::function<const Tensor*(ValueId)>& constant_of);

// Of the clamp that alone reads the value; without one there are no limits.
ClampLimits limits_behind(const Graph& graph, const Uses& uses, ValueId id);

}  // namespace tinyc
