// The sliding window of convolutions and pools: attributes to geometry, and loops over it.
//
// Tensors are [N, C, spatial...] with one to three spatial axes. Inside, there are always three: leading axes of size 1
// are put in front, so that one loop nest serves all.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "ops/kernels/planes.h"
#include "tinyc/ops/op.h"

namespace tinyc {

struct WindowAxis {
  int64_t in = 1;
  int64_t out = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad_begin = 0;
  int64_t pad_end = 0;

  int64_t extent() const { return (kernel - 1) * dilation + 1; }                 // input elements under one window
  int64_t first(int64_t out_idx) const { return out_idx * stride - pad_begin; }  // input index of tap 0
};

struct Window {
  std::array<WindowAxis, 3> axes;  // depth, height, width

  int64_t in_count() const { return axes[0].in * axes[1].in * axes[2].in; }
  int64_t out_count() const { return axes[0].out * axes[1].out * axes[2].out; }
  int64_t taps() const { return axes[0].kernel * axes[1].kernel * axes[2].kernel; }
};

// What a node's attributes say about its window, checked: strides, dilations, pads, auto_pad, and ceil_mode where the
// op has it. `kernel` has one extent for each spatial axis. Throws Error(kModel) that names the attribute.
struct WindowSpec {
  enum class AutoPad : uint8_t { kNotSet, kValid, kSameUpper, kSameLower };
  Dims kernel;
  Dims strides;
  Dims dilations;
  Dims pads;  // all begins, then all ends
  AutoPad auto_pad = AutoPad::kNotSet;
  bool ceil_mode = false;

  // Geometry along spatial axis idx for an input of that size. Throws Error(kModel) when the window does not fit in it.
  WindowAxis axis(size_t idx, int64_t in) const;
  // Geometry for known spatial dims (one to three).
  Window over(std::span<const int64_t> spatial) const;
};
WindowSpec read_window(const Node& node, std::span<const int64_t> kernel);

// The dims of the attribute kernel_shape. Throws Error(kModel) unless it has `rank` elements.
Dims kernel_shape_attr(const Node& node, int rank);

// Output dims of a pool: operand 0 must be [N, C, one to three spatial axes]; its open dims stay open.
Shape pooled_shape(const InferContext& context);
// The window of a pool over an operand with these dims.
Window pool_window(const Node& node, std::span<const int64_t> dims);
// ConvTranspose, for operands of these dims: the window of the Conv whose adjoint it is, whose input is its result
// (src/ops/conv_transpose.cpp).
Window transposed_window(const Node& node, std::span<const int64_t> x, std::span<const int64_t> w);
// Throws Error(kModel) unless operand idx has one to three spatial axes or no known rank.
void require_spatial(const InferContext& context, int idx);

// The axis as the planned kernels want it.
kernels::PlaneAxis plane_axis(const WindowAxis& axis);

// Calls visit(position, flat index) for each output position.
template <typename Visit>
void for_each_position(const Window& window, Visit visit) {
  int64_t flat = 0;
  std::array<int64_t, 3> at{};
  for (at[0] = 0; at[0] < window.axes[0].out; ++at[0]) {
    for (at[1] = 0; at[1] < window.axes[1].out; ++at[1]) {
      for (at[2] = 0; at[2] < window.axes[2].out; ++at[2]) visit(at, flat++);
    }
  }
}

// Calls visit(flat tap index, flat input index) for each tap of the window at `at` that lies inside the input.
template <typename Visit>
void for_each_tap(const Window& window, const std::array<int64_t, 3>& at, Visit visit) {
  const auto& [depth, height, width] = window.axes;
  for (int64_t kz = 0; kz < depth.kernel; ++kz) {
    const int64_t z = depth.first(at[0]) + kz * depth.dilation;
    if (z < 0 || z >= depth.in) continue;
    for (int64_t ky = 0; ky < height.kernel; ++ky) {
      const int64_t y = height.first(at[1]) + ky * height.dilation;
      if (y < 0 || y >= height.in) continue;
      for (int64_t kx = 0; kx < width.kernel; ++kx) {
        const int64_t x = width.first(at[2]) + kx * width.dilation;
        if (x < 0 || x >= width.in) continue;
        visit((kz * height.kernel + ky) * width.kernel + kx, (z * height.in + y) * width.in + x);
      }
    }
  }
}

}  // namespace tinyc
