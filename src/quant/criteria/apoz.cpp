// apoz: a weight's magnitude times the share of positions at which its input is not 0.
//
// Source: the average percentage of zeros, Hu et al., Network trimming, 2016 (arXiv:1607.03250), of the inputs of a
// layer in place of its outputs.
#include <cmath>

#include "quant/input_activity.h"
#include "tinyc/quant/pruning.h"

namespace tinyc {
namespace {

Ranking rank(const PruneInput& input) {
  const std::vector<InputActivity> activity = input_activity(input.samples, input.group);
  Matrix scores = input.error.target;
  for (int64_t r = 0; r < scores.rows; ++r) {
    for (int64_t c = 0; c < scores.columns; ++c) {
      scores(r, c) = std::abs(scores(r, c)) * (activity.empty() ? 1.0 : 1.0 - activity[static_cast<size_t>(c)].zeros);
    }
  }
  return rank_by_scores(input, scores);
}

}  // namespace

extern constexpr CriterionDef k_criterion_apoz{"apoz", "magnitude of weights times how often their input is not 0",
                                               rank};

}  // namespace tinyc
