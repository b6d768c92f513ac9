#include "tinyc/pass/weight_grid.h"

#include <cmath>

#include "tinyc/ir/scale_split.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/params.h"
#include "tinyc/quant/weight_blocks.h"

namespace tinyc {

const QParams* params_of_weight(const Graph& graph, const Node& node, int weight) {
  const ValueId id = operand(node, weight);
  return id != kNoValue && graph[id].constant ? linear_params(graph[id]) : nullptr;
}

std::optional<WeightGrid> WeightGrid::of(const Graph& graph, const LinearLayer& layer) {
  constexpr int32_t kMostFactor = 127;
  const Node& node = graph[layer.id];
  const Value& value = graph[operand(node, layer.weight)];
  const Dims& dims = value.constant->dims();
  const auto& params = std::get<QParams>(*value.quant);
  if (params.block == 0) return WeightGrid(layer, params, dims, params, {});
  const int axis = node.op->quant.channel_axis(node, layer.weight, value.constant->rank());
  std::optional<BlockSplit> split = split_blocks(params, dims, axis, kMostFactor);
  if (!split) return std::nullopt;
  return WeightGrid(layer, params, dims, std::move(split->params), std::move(split->factors));
}

WeightGrid::WeightGrid(const LinearLayer& layer, QParams whole, std::span<const int64_t> dims, QParams free,
                       std::vector<int32_t> factors)
    : layer_(&layer),
      whole_(std::move(whole)),
      free_(std::move(free)),
      factors_(std::move(factors)),
      whole_index_(whole_, dims),
      free_index_(free_, dims),
      elements_(element_count(dims)) {}

std::vector<std::vector<size_t>> WeightGrid::scale_of() const {
  const LinearForm& form = layer_->form();
  std::vector<std::vector<size_t>> scales(static_cast<size_t>(form.groups));
  for (int64_t g = 0; g < form.groups; ++g) {
    for (int64_t r = 0; r < form.rows; ++r) {
      scales[static_cast<size_t>(g)].push_back(free_index_(form.weight_at(g, r, 0)));
    }
  }
  return scales;
}

Matrix WeightGrid::factors(int64_t group) const {
  if (factors_.empty()) return {};
  const LinearForm& form = layer_->form();
  Matrix factors(form.rows, form.columns);
  for (int64_t r = 0; r < form.rows; ++r) {
    for (int64_t c = 0; c < form.columns; ++c) factors(r, c) = factors_[whole_index_(form.weight_at(group, r, c))];
  }
  return factors;
}

std::vector<Matrix> WeightGrid::units_of(const QParams& params) const {
  const LinearForm& form = layer_->form();
  std::vector<Matrix> units(static_cast<size_t>(form.groups), Matrix(form.rows, form.columns));
  for (int64_t g = 0; g < form.groups; ++g) {
    for (int64_t r = 0; r < form.rows; ++r) {
      for (int64_t c = 0; c < form.columns; ++c) {
        units[static_cast<size_t>(g)](r, c) = static_cast<double>(params.scales[whole_index_(form.weight_at(g, r, c))]);
      }
    }
  }
  return units;
}

std::vector<Matrix> WeightGrid::units() const {
  return units_of(whole_);
}

std::vector<Matrix> WeightGrid::steps(const Graph& graph) const {
  const std::vector<Matrix> units = this->units();
  std::vector<Matrix> steps = read_weights(layer_->form(), *graph[weight_id(graph, *layer_)].constant);
  for (size_t g = 0; g < steps.size(); ++g) {
    for (size_t i = 0; i < steps[g].elements.size(); ++i) {
      steps[g].elements[i] = std::nearbyint(steps[g].elements[i] / units[g].elements[i]);
    }
  }
  return steps;
}

std::vector<double> WeightGrid::smallest(const Graph& graph) const {
  return smallest_scales_for_bias(graph, *layer_, free_.scales.size());
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

void WeightGrid::store(Graph& graph, std::span<const double> scales, std::span<const Matrix> steps) const {
  Value& value = graph[weight_id(graph, *layer_)];
  QParams params = with_scales(scales);
  std::vector<Matrix> weights = units_of(params);
  for (size_t g = 0; g < weights.size(); ++g) {
    for (size_t i = 0; i < weights[g].elements.size(); ++i) {
      double& w = weights[g].elements[i];
      w = steps[g].elements[i] * w + 0.0;  // no negative zeros
    }
  }
  value.quant = std::move(params);
  value.constant = replaced_weights(layer_->form(), *value.constant, weights);
}

}  // namespace tinyc
