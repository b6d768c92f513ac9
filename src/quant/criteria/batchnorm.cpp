// batchnorm: the scale that BatchNormalization gave to a weight's output channel, shared out among the channel's
// weights by their magnitude; without a BatchNormalization each channel has the scale 1.
//
// Source: Liu et al., Learning efficient convolutional networks through network slimming, 2017 (arXiv:1708.06519).
#include <cmath>

#include "tinyc/quant/pruning.h"

namespace tinyc {
namespace {

Ranking rank(const PruneInput& input) {
  Matrix scores = input.error.target;
  for (int64_t r = 0; r < scores.rows; ++r) {
    double sum = 0;
    for (const double w : scores.row(r)) sum += std::abs(w);
    const double scale = input.row_scales.empty() ? 1.0 : input.row_scales[static_cast<size_t>(r)];
    const double share = sum > 0 ? scale * static_cast<double>(scores.columns) / sum : 0.0;
    for (double& w : scores.row(r)) w = std::abs(w) * share;
  }
  return rank_by_scores(input, scores);
}

}  // namespace

extern constexpr CriterionDef k_criterion_batchnorm{
    "batchnorm", "scale that BatchNormalization gave to the output channel, by magnitude of its weights", rank};

}  // namespace tinyc
