// activation: a weight's square times the mean square of its input, w^2 H_cc: what the output would lose if inputs
// were not correlated and nothing else made up for it.
//
// Source: Sun et al., A simple and effective pruning approach (Wanda), 2023 (arXiv:2306.11695).
#include "tinyc/quant/pruning.h"

namespace tinyc {
namespace {

Ranking rank(const PruneInput& input) {
  Matrix scores = input.error.target;
  for (int64_t r = 0; r < scores.rows; ++r) {
    for (int64_t c = 0; c < scores.columns; ++c) scores(r, c) *= scores(r, c) * input.error.h(c, c);
  }
  return rank_by_scores(input, scores);
}

}  // namespace

extern constexpr CriterionDef k_criterion_activation{"activation", "squares of weights times those of their inputs",
                                                     rank, true};

}  // namespace tinyc
