// A layer as linear algebra sees it: numbers gathered from its data times a constant matrix. Passes that fit, round or
// prune weights read this and never list op names.
//
//   sum[g, p, r] = bias[g, r] + sum over c of weight[g, r, c] * number[g, p, c]
//
// g is a group (of channels, or a direction), p a position (of the output, or a step of a sequence), r a row (an output
// channel of the group, or a gate's unit), c a column (an input channel and tap, or an input). What the node makes of
// the sums is its own affair: most hand them on, recurrent ones put them through their gates.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tinyc/ir/graph.h"

namespace tinyc {

struct LinearForm {
  int64_t groups = 1;
  int64_t rows = 0;  // of a group
  int64_t columns = 0;

  // Where weight (g, r, c) lies in the weight tensor. There may be elements that no (g, r, c) reaches.
  int64_t group_stride = 0;
  int64_t row_stride = 0;
  std::vector<int64_t> column_offsets;  // by column
  int64_t weight_at(int64_t group, int64_t row, int64_t column) const {
    return group * group_stride + row * row_stride + column_offsets[static_cast<size_t>(column)];
  }

  // The operand that is added to each row's sums, and where the element for (g, r) lies in it; -1: the op has none.
  int bias = -1;
  int64_t bias_first = 0;
  int64_t bias_group_stride = 0;
  int64_t bias_at(int64_t group, int64_t row) const { return bias_first + group * bias_group_stride + row; }
  int64_t bias_size = 0;  // elements of that operand

  int64_t positions = 0;
  // Of positions [first, first + count) of a group: number c of position first + i goes to out[i * stride + c].
  std::function<void(int64_t group, int64_t first, int64_t count, float* out, int64_t stride)> gather;
};

// A node's operands and results for some samples. Forms keep what they gather from alive.
struct LinearOperands {
  const Node& node;
  int weight;                       // the operand whose products are asked for
  std::span<const Tensor> inputs;   // by operand; undefined where left out
  std::span<const Tensor> outputs;  // by output; undefined where left out or not known
};

}  // namespace tinyc
