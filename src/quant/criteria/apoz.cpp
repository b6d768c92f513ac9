// apoz: a weight's magnitude times the share of positions at which its input is not 0.
//
// Source: the average percentage of zeros, Hu et al., Network trimming, 2016 (arXiv:1607.03250), of the inputs of a
// layer in place of its outputs.
#include "quant/input_activity.h"

namespace tinyc {
namespace {

Ranking rank(const PruneInput& input) {
  return rank_by_activity(input, [](const InputActivity& column) { return 1.0 - column.zeros; });
}

}  // namespace

extern constexpr CriterionDef k_criterion_apoz{"apoz", "magnitude of weights times how often their input is not 0",
                                               rank};

}  // namespace tinyc
