// Which channels an element of a layer's weights joins.
#pragma once

#include <optional>

#include "tinyc/ir/graph.h"

namespace tinyc {

// With groups, axis 0 of the weights counts the channels of all groups, axis 1 those of one.
struct WeightAxes {
  Dims dims;
  int in_axis = 1;
  int out_axis = 0;
  int64_t groups = 1;
  bool convolution = false;  // channels of input and result lie on axis 1; else on the last

  int64_t inputs() const { return dims[static_cast<size_t>(in_axis)] * (in_axis == 1 ? groups : 1); }
  int64_t outputs() const { return dims[static_cast<size_t>(out_axis)] * (out_axis == 1 ? groups : 1); }
  int64_t input_of(int64_t element) const { return channel_of(element, in_axis); }
  int64_t output_of(int64_t element) const { return channel_of(element, out_axis); }

 private:
  int64_t channel_of(int64_t element, int axis) const;
};

// For operand 1 of a layer (Scaling::kLayer). None where its channels are not on axes of their own, or the input is
// transposed first.
std::optional<WeightAxes> weight_axes(const Node& node, const Dims& weight);

}  // namespace tinyc
