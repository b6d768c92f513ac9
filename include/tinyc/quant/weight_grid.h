// The grid of a layer's weights as a search sees it: a free scale for each channel, or one for all, and on it a given
// factor for each block of weights.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "tinyc/ir/graph.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/linear.h"
#include "tinyc/quant/matrix.h"
#include "tinyc/quant/settings.h"

namespace tinyc {

class WeightGrid {
 public:
  // Of operand `weight` of the node, which has parameters; nothing where its blocks are no small multiples of one scale
  // a channel.
  static std::optional<WeightGrid> of(const Graph& graph, const Node& node, int weight);

  // One scale a channel or for all.
  const QParams& free() const { return free_; }
  // Index of the free scale of an element.
  size_t scale_of(int64_t element) const { return free_index_(element); }
  // Factors of a group's weights on the free scales, [rows, columns]; empty where all are 1.
  Matrix factors(const LinearForm& form, int64_t group) const;
  // The scale near `scale` that can be stored, exact in float.
  double storable(double scale, const QuantizationSettings& settings) const;
  // The parameters of the weights with these free scales.
  QParams with_scales(std::span<const double> scales) const;

 private:
  WeightGrid(QParams whole, std::span<const int64_t> dims, QParams free, std::vector<int32_t> factors);

  QParams whole_, free_;
  std::vector<int32_t> factors_;  // by scale of `whole_`; empty: all 1
  ScaleIndex whole_index_, free_index_;
  int64_t elements_;
};

}  // namespace tinyc
