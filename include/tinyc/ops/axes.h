// How the axes of a node's operands and results belong together: what those who take slices out of a graph read
// (quant/slice_cuts.h).
//
// A label is an index that runs through axes of several operands and results, as a letter of einsum does: MatMul is
// (m k, k n -> m n), a convolution ((g c), (g o) c -> (g o)), where an axis that several labels count has the outermost
// first. Result elements depend only on those operand elements that have the same index of each label they share. A
// label that no result has is summed over. Axes without labels, and operands without axes, keep all their indices.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tinyc/ir/graph.h"

namespace tinyc {

using AxisLabels = std::vector<int>;                    // of one axis, outermost first
using OperandAxes = std::vector<AxisLabels>;            // by axis
using KeptIndices = std::vector<std::vector<int64_t>>;  // by axis, rising; an open axis has none, and keeps all

// Results sum over a label: products of one element of each operand named here.
struct LabelSum {
  int label;
  std::vector<std::pair<int, int>> terms;  // operand, axis
};

struct NodeAxes {
  struct Label {
    int64_t extent;
    bool stays = false;  // all its indices do
  };
  std::vector<Label> labels;
  std::vector<OperandAxes> inputs, outputs;
  std::vector<LabelSum> sums;
  std::vector<std::pair<std::string_view, int>> counts;  // attributes that say how many indices a label has

  int add(int64_t extent, bool stays = false) {
    labels.push_back({extent, stays});
    return static_cast<int>(labels.size()) - 1;
  }
};

struct AxesContext {
  const Node& node;
  std::vector<TensorType> inputs;  // no rank: left out or not known
  std::vector<TensorType> outputs;
  std::vector<const Tensor*> constants;  // by operand; null when computed

  bool has(size_t idx) const { return idx < inputs.size() && inputs[idx].shape.ranked(); }
  const Shape& in(size_t idx) const { return inputs[idx].shape; }
  const Shape& out(size_t idx) const { return outputs[idx].shape; }
};

// An op that moves elements, after slices were taken out: what in its attributes and constant operands says sizes is
// to say the new ones.
struct ResizeContext {
  Node& node;
  std::vector<Tensor>& constants;     // by operand; undefined where computed or left out
  std::span<const TensorType> types;  // of operands, before
  std::span<const KeptIndices> inputs, outputs;

  int64_t input_extent(size_t idx, size_t axis) const { return types[idx].shape[static_cast<int>(axis)].value; }
  bool has_constant(size_t idx) const { return idx < constants.size() && constants[idx].defined(); }
};

}  // namespace tinyc
