// How one axis of a tensor lies in memory: `outer` blocks of `count` elements each `inner` apart.
#pragma once

#include <span>

#include "tinyc/ir/shape.h"

namespace tinyc {

struct AxisLayout {
  int64_t outer = 1, count = 1, inner = 1;

  AxisLayout(std::span<const int64_t> dims, int axis)
      : outer(element_count(dims.first(static_cast<size_t>(axis)))),
        count(dims[static_cast<size_t>(axis)]),
        inner(element_count(dims.subspan(static_cast<size_t>(axis) + 1))) {}

  // Calls visit(line, start) for each line along the axis, in the order of the tensor without that axis; element k of
  // the line is at start + k * inner.
  template <typename Visit>
  void for_each_line(Visit visit) const {
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = 0; i < inner; ++i) visit(o * inner + i, o * count * inner + i);
    }
  }
};

}  // namespace tinyc
