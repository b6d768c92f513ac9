// l2: a weight's square. For single weights the same as l1; units of several are judged by their largest weights.
#include "tinyc/quant/pruning.h"

namespace tinyc {
namespace {

Ranking rank(const PruneInput& input) {
  Matrix scores = input.error.target;
  for (double& score : scores.elements) score *= score;
  return rank_by_scores(input, scores);
}

}  // namespace

extern constexpr CriterionDef k_criterion_l2{"l2", "squares of weights", rank};

}  // namespace tinyc
