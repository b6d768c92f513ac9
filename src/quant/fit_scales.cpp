// Least-squares scales for grids of few levels.
//
// Problem: with the largest weight as the largest level, a grid of 2 to 4 levels puts most weights at 0 (ternary) or
// far out (binary). Formula: of one slice w, E(s) = sum_i (w_i - s q_i(s))^2 with q_i(s) the nearest level to w_i / s.
// Method: for fixed levels q the best scale is <w, q> / <q, q>, for a fixed scale the best levels are the nearest; done
// in turn, E never grows and soon stands still. Where it stands depends on the start, so several fractions of the given
// scale are tried and the best kept. For binary weights the first turn gives the optimum, the mean of |w|.
// Cost: kStarts * kTurns roundings of each weight. Source: Rastegari et al., XNOR-Net, 2016 (arXiv:1603.05279), section
// 3.1; Lloyd's alternation for grids through 0.
#include "tinyc/quant/fit_scales.h"

#include <array>
#include <cmath>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/quant/params.h"

namespace tinyc {
namespace {

constexpr std::array kStarts = {1.0F, 0.8F, 0.65F, 0.5F, 0.4F, 0.3F, 0.2F};
constexpr int kTurns = 12;

// One slice and its grid.
class Fit {
 public:
  Fit(std::span<const float> weights, const QParams& grid) : weights_(weights), levels_(weights.size()), grid_(grid) {
    grid_.axis = -1;
    grid_.block = 0;
    grid_.zero_points = {0};
  }

  double error(float scale) {
    round(scale);
    double sum = 0;
    for (size_t i = 0; i < weights_.size(); ++i) {
      const double difference = static_cast<double>(weights_[i]) - static_cast<double>(levels_[i]);
      sum += difference * difference;
    }
    return sum;
  }

  // The scale where alternation from `scale` stands still.
  float settle(float scale) {
    for (int turn = 0; turn < kTurns; ++turn) {
      round(scale);
      double products = 0, squares = 0;
      for (size_t i = 0; i < weights_.size(); ++i) {
        products += static_cast<double>(weights_[i]) * static_cast<double>(levels_[i]);
        squares += static_cast<double>(levels_[i]) * static_cast<double>(levels_[i]);
      }
      const auto better = static_cast<float>(products / squares * static_cast<double>(scale));
      if (!(products > 0) || !std::isnormal(better) || better == scale) break;
      scale = better;
    }
    return scale;
  }

 private:
  void round(float scale) {
    grid_.scales = {scale};
    std::copy(weights_.begin(), weights_.end(), levels_.begin());
    const std::array count = {static_cast<int64_t>(levels_.size())};
    round_to_grid(levels_, count, grid_);
  }

  std::span<const float> weights_;
  std::vector<float> levels_;  // the rounded weights
  QParams grid_;
};

float best_scale(std::span<const float> weights, const QParams& grid, float given, bool power_of_two) {
  Fit fit(weights, grid);
  float best = given;
  double least = fit.error(given);
  const auto consider = [&](float scale) {
    const double error = fit.error(scale);
    if (error < least) best = scale;
    least = std::min(least, error);
  };
  for (const float fraction : kStarts) {
    const float settled = fit.settle(fraction * given);
    if (!power_of_two) {
      consider(settled);
      continue;
    }
    const float above = power_of_two_above(settled);
    consider(above);
    consider(above / 2);
  }
  return best;
}

}  // namespace

bool has_few_levels(const QParams& params) {
  return (params.q_max - params.q_min) / params.q_step < 4;
}

void fit_scales(const Tensor& weights, const QuantizationSettings& settings, QParams& params) {
  const ScaleIndex scale_of(params, weights.dims());
  std::vector<std::vector<float>> slices(params.scales.size());
  const std::span<const float> values = weights.data<float>();
  for (size_t i = 0; i < values.size(); ++i) slices[scale_of(static_cast<int64_t>(i))].push_back(values[i]);
  for (size_t i = 0; i < slices.size(); ++i) {
    if (slices[i].empty()) continue;
    params.scales[i] = best_scale(slices[i], params, params.scales[i], settings.power_of_two_scales);
  }
}

}  // namespace tinyc
