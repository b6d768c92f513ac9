// entropy: a weight's magnitude times the entropy of its input: one that hardly varies says little.
//
// Source: Luo and Wu, An entropy-based pruning method, 2017 (arXiv:1706.05791), of the inputs of a layer in place of
// its outputs.
#include "quant/input_activity.h"

namespace tinyc {
namespace {

Ranking rank(const PruneInput& input) {
  return rank_by_activity(input, [](const InputActivity& column) { return column.entropy; });
}

}  // namespace

extern constexpr CriterionDef k_criterion_entropy{"entropy", "magnitude of weights times the entropy of their input",
                                                  rank};

}  // namespace tinyc
