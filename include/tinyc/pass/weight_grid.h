// The grid of a layer's weights as a search sees it: a free scale for each channel, or one for all, and on it a given
// factor for each block of weights. Reads the layer's integers and writes those that a search finds.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tinyc/ir/graph.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/pass/linear_layer.h"
#include "tinyc/quant/matrix.h"
#include "tinyc/quant/settings.h"

namespace tinyc {

// The parameters of a constant operand that lies on a linear grid; null where it does not.
const QParams* params_of_weight(const Graph& graph, const Node& node, int weight);

class WeightGrid {
 public:
  // Of a layer whose weights have parameters; nothing where its blocks are no small multiples of one scale a channel.
  static std::optional<WeightGrid> of(const Graph& graph, const LinearLayer& layer);

  // One scale a channel or for all.
  const QParams& free() const { return free_; }
  // [group][row]: index of the row's free scale.
  std::vector<std::vector<size_t>> scale_of() const;
  // Of a group's weights on the free scales, [rows, columns]; empty where all are 1.
  Matrix factors(int64_t group) const;
  // [group]: what each weight grows by when its integer grows by 1, [rows, columns].
  std::vector<Matrix> units() const;
  // [group]: the integers of weights that lie on the grid, [rows, columns].
  std::vector<Matrix> steps(const Graph& graph) const;
  // By free scale: none may be chosen below it, for the bias on its grid has no room there.
  std::vector<double> smallest(const Graph& graph) const;
  // The scale near `scale` that can be stored, exact in float.
  double storable(double scale, const QuantizationSettings& settings) const;
  // Sets the weights to `steps`, [group], on a grid with these free scales.
  void store(Graph& graph, std::span<const double> scales, std::span<const Matrix> steps) const;

 private:
  WeightGrid(const LinearLayer& layer, QParams whole, std::span<const int64_t> dims, QParams free,
             std::vector<int32_t> factors);
  QParams with_scales(std::span<const double> scales) const;
  std::vector<Matrix> units_of(const QParams& params) const;

  const LinearLayer* layer_;
  QParams whole_, free_;
  std::vector<int32_t> factors_;  // by scale of `whole_`; empty: all 1
  ScaleIndex whole_index_, free_index_;
  int64_t elements_;
};

}  // namespace tinyc
