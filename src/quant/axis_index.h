// Arithmetic on indices of axes that labels count (ops/axes.h).
#pragma once

#include <span>
#include <vector>

#include "tinyc/ops/axes.h"

namespace tinyc {

// By axis: a flag for each index; empty for an open axis.
using AxisFlags = std::vector<std::vector<bool>>;

// By axis: of a flag each.
AxisFlags axis_flags(const Shape& shape, bool value);

// The index of each label of an axis at one of its indices; others in `indices` stay as they are.
inline void split_index(const NodeAxes& axes, const AxisLabels& labels, int64_t index, std::vector<int64_t>& indices) {
  for (size_t i = labels.size(); i-- > 0;) {
    const auto label = static_cast<size_t>(labels[i]);
    indices[label] = index % axes.labels[label].extent;
    index /= axes.labels[label].extent;
  }
}

// The other way.
inline int64_t join_index(const NodeAxes& axes, const AxisLabels& labels, const std::vector<int64_t>& indices) {
  int64_t index = 0;
  for (const int label : labels) {
    index = index * axes.labels[static_cast<size_t>(label)].extent + indices[static_cast<size_t>(label)];
  }
  return index;
}

// Calls visit(element, place) for each element of a tensor in order; place holds its index on each axis.
template <typename Visit>
void for_each_place(std::span<const int64_t> dims, const Visit& visit) {
  Dims place(dims.size(), 0);
  const int64_t count = element_count(dims);
  for (int64_t element = 0; element < count; ++element) {
    visit(static_cast<size_t>(element), place);
    for (size_t axis = dims.size(); axis-- > 0;) {
      if (++place[axis] < dims[axis]) break;
      place[axis] = 0;
    }
  }
}

// Whether any axis has its flag set at this place.
inline bool any_flag(const AxisFlags& flags, const Dims& place) {
  for (size_t axis = 0; axis < place.size(); ++axis) {
    if (!flags[axis].empty() && flags[axis][static_cast<size_t>(place[axis])]) return true;
  }
  return false;
}

// What an op's trait needs to know of a node; none where the op has no axes.
std::optional<NodeAxes> axes_of(const Graph& graph, const Node& node);

}  // namespace tinyc
