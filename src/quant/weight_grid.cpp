#include "tinyc/quant/weight_grid.h"

#include <cmath>

#include "tinyc/ir/scale_split.h"
#include "tinyc/ops/op.h"
#include "tinyc/quant/params.h"
#include "tinyc/quant/weight_blocks.h"

namespace tinyc {

std::optional<WeightGrid> WeightGrid::of(const Graph& graph, const Node& node, int weight) {
  constexpr int32_t kMostFactor = 127;
  const Value& value = graph[node.inputs[static_cast<size_t>(weight)]];
  const Dims& dims = value.constant->dims();
  const auto& params = std::get<QParams>(*value.quant);
  if (params.block == 0) return WeightGrid(params, dims, params, {});
  const int axis = node.op->quant.channel_axis(node, weight, value.constant->rank());
  std::optional<BlockSplit> split = split_blocks(params, dims, axis, kMostFactor);
  if (!split) return std::nullopt;
  return WeightGrid(params, dims, std::move(split->params), std::move(split->factors));
}

WeightGrid::WeightGrid(QParams whole, std::span<const int64_t> dims, QParams free, std::vector<int32_t> factors)
    : whole_(std::move(whole)),
      free_(std::move(free)),
      factors_(std::move(factors)),
      whole_index_(whole_, dims),
      free_index_(free_, dims),
      elements_(element_count(dims)) {}

Matrix WeightGrid::factors(const LinearForm& form, int64_t group) const {
  if (factors_.empty()) return {};
  Matrix factors(form.rows, form.columns);
  for (int64_t r = 0; r < form.rows; ++r) {
    for (int64_t c = 0; c < form.columns; ++c) factors(r, c) = factors_[whole_index_(form.weight_at(group, r, c))];
  }
  return factors;
}

double WeightGrid::storable(double scale, const QuantizationSettings& settings) const {
  // Half way, in ratio, between two powers.
  if (settings.power_of_two_scales) return power_of_two_above(static_cast<float>(scale * M_SQRT1_2));
  return factors_.empty() ? static_cast<float>(scale) : short_scale(static_cast<float>(scale));
}

QParams WeightGrid::with_scales(std::span<const double> scales) const {
  QParams params = whole_;
  if (factors_.empty()) {
    for (size_t i = 0; i < scales.size(); ++i) params.scales[i] = static_cast<float>(scales[i]);
    return params;
  }
  for (int64_t i = 0; i < elements_; ++i) {
    const size_t block = whole_index_(i);
    params.scales[block] = static_cast<float>(scales[free_index_(i)] * factors_[block]);
  }
  return params;
}

}  // namespace tinyc
