// random: no weight is preferred. What any criterion must beat.
#include "tinyc/base/rng.h"
#include "tinyc/quant/pruning.h"

namespace tinyc {
namespace {

Ranking rank(const PruneInput& input) {
  Matrix scores(input.error.target.rows, input.error.target.columns);
  Rng rng(input.seed);
  for (double& score : scores.elements) score = rng.uniform();
  return rank_by_scores(input, scores);
}

}  // namespace

extern constexpr CriterionDef k_criterion_random{"random", "by lot, from the seed: the baseline", rank};

}  // namespace tinyc
