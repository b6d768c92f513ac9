// entropy: a weight's magnitude times the entropy of its input: one that hardly varies says little.
//
// Source: Luo and Wu, An entropy-based pruning method, 2017 (arXiv:1706.05791), of the inputs of a layer in place of
// its outputs.
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
      scores(r, c) = std::abs(scores(r, c)) * (activity.empty() ? 1.0 : activity[static_cast<size_t>(c)].entropy);
    }
  }
  return rank_by_scores(input, scores);
}

}  // namespace

extern constexpr CriterionDef k_criterion_entropy{"entropy", "magnitude of weights times the entropy of their input",
                                                  rank};

}  // namespace tinyc
