// l1: a weight's magnitude. The baseline of all pruning: it knows nothing of the data.
#include <cmath>

#include "tinyc/quant/pruning.h"

namespace tinyc {
namespace {

Ranking rank(const PruneInput& input) {
  Matrix scores = input.error.target;
  for (double& score : scores.elements) score = std::abs(score);
  return rank_by_scores(input, scores);
}

}  // namespace

extern constexpr CriterionDef k_criterion_l1{"l1", "magnitude of weights", rank};

}  // namespace tinyc
