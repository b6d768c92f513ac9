// A convolution over an image [height][width][channels], and which kernel it suits.
#pragma once

#include "ops/window.h"

namespace tinyc {

struct WindowGeometry {
  WindowAxis h, w;
  int64_t in_c, out_c, groups, group_c;

  bool is_pointwise() const {
    const auto plain = [](const WindowAxis& axis) {
      return axis.kernel == 1 && axis.stride == 1 && axis.pad_begin == 0 && axis.pad_end == 0;
    };
    return groups == 1 && plain(h) && plain(w);
  }
  bool is_depthwise() const { return groups == in_c && groups == out_c && h.dilation == 1 && w.dilation == 1; }
  bool is_row() const { return groups == 1 && h.out == 1 && w.out == 1 && covers(h) && covers(w); }
  static bool covers(const WindowAxis& axis) {
    return axis.kernel == axis.in && axis.pad_begin == 0 && axis.dilation == 1;
  }
};

}  // namespace tinyc
