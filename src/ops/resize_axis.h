// One axis of Resize: where an output element lies in the input, and which input elements it is made of.
//
// Coordinates are those of the ONNX specification of Resize (`coordinate_transformation_mode`), in float32 as
// onnxruntime computes them (where scale * in is no whole number, align_corners goes by the output's real size). An
// output element at coordinate x is a weighted sum of the inputs around it: the nearest one, two with the triangle
// filter (linear), or four with Keys' cubic (Cubic convolution interpolation, 1981) of parameter a. Antialiasing widens
// a filter by 1 / scale where the axis shrinks. Since filters are separable, axes are done one after the other.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tinyc/ops/op.h"

namespace tinyc {

// Geometry of one axis.
struct ResizeAxis {
  int64_t in = 1;
  int64_t out = 1;
  float scale = 1.0F;         // output elements per input element
  float resized_size = 1.0F;  // scale * in, or `out` where the model gives sizes
  float roi_begin = 0.0F;     // of tf_crop_and_resize, normalized to the axis
  float roi_end = 1.0F;
};

// The geometry of every axis of a Resize node's operand of these dims; axes that are not listed keep their size. The
// operands roi, scales and sizes may be null; one of scales and sizes is given (src/ops/resize.cpp).
std::vector<ResizeAxis> resize_axes(const Node& node, const Dims& dims, const Tensor* roi, const Tensor* scales,
                                    const Tensor* sizes);

// The attributes of a Resize node that concern every axis alike.
struct ResizeFilter {
  enum class Coordinates : uint8_t {
    kHalfPixel,
    kHalfPixelSymmetric,
    kPytorchHalfPixel,
    kAlignCorners,
    kAsymmetric,
    kTfCropAndResize,
    kTfHalfPixelForNn,
  };
  enum class Mode : uint8_t { kNearest, kLinear, kCubic };
  enum class Nearest : uint8_t { kRoundPreferFloor, kRoundPreferCeil, kFloor, kCeil };

  Coordinates coordinates;
  Mode mode;
  Nearest nearest;
  float cubic_a;
  bool exclude_outside;
  bool antialias;

  // Throws Error(kModel) for a mode that is not known.
  explicit ResizeFilter(const Node& node);
};

// By output element: the input element it copies, -1 for the extrapolation value.
std::vector<int64_t> nearest_map(const ResizeFilter& filter, const ResizeAxis& axis);

// By output element: `count` input elements and their weights.
struct ResizeTaps {
  int64_t count = 0;
  std::vector<int64_t> index;
  std::vector<float> weight;
  std::vector<bool> outside;  // the element takes the extrapolation value
};
ResizeTaps filter_taps(const ResizeFilter& filter, const ResizeAxis& axis);

}  // namespace tinyc
