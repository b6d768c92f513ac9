#include "tinyc/coding/level_prices.h"

#include <cmath>

#include "coding/level_model.h"

namespace tinyc {
namespace {

static_assert(LevelPrices::kContexts == TC_MODEL_SIGN - TC_MODEL_ZERO);

// -log2 of a decision's probability by the counts of its model, each with half an occurrence more (Krichevsky and
// Trofimov), so that what was not seen has a price.
class Counts {
 public:
  void add(int32_t model, bool decision) { ++seen_[static_cast<size_t>(model)][decision ? 1 : 0]; }
  double bits(int32_t model, bool decision) const {
    const auto& [zeros, ones] = seen_[static_cast<size_t>(model)];
    return -std::log2(((decision ? ones : zeros) + 0.5) / (zeros + ones + 1.0));
  }

 private:
  std::array<std::array<double, 2>, TC_MODELS> seen_{};
};

}  // namespace

LevelPrices::LevelPrices(const LevelMatrix& matrix) {
  const tc_arrangement arrangement = choose_arrangement(matrix);
  const bool by_sign = arrangement.by_sign != 0;
  around_ = arrangement.around;
  reach_ = arrangement.reach;
  Counts counts;
  const auto count = [&](int32_t model, bool decision) { counts.add(model, decision); };
  visit_levels(matrix, arrangement,
               [&](int32_t level, int32_t zero_model) { visit_level(level, zero_model, by_sign, count, [](bool) {}); });
  for (int context = 0; context < kContexts; ++context) {
    zero_[at(context)] = counts.bits(TC_MODEL_ZERO + context, false);
    nonzero_[at(context)] = counts.bits(TC_MODEL_ZERO + context, true);
  }
  for (int level = -128; level < 128; ++level) {
    if (level == 0) continue;
    double bits = -counts.bits(TC_MODEL_ZERO, true);  // the first decision is priced by its context
    visit_level(
        level, TC_MODEL_ZERO, by_sign, [&](int32_t model, bool decision) { bits += counts.bits(model, decision); },
        [&](bool) { bits += 1.0; });
    magnitude_[at(level + 128)] = bits;
  }
}

int LevelPrices::context(const LevelMatrix& matrix, int64_t row, int64_t column) const {
  const tc_arrangement arrangement = {around_, reach_, 0};
  const int8_t* levels = matrix.levels.data() + row * matrix.columns;
  tc_in_group group = {0, 0};
  if (around_ == TC_AROUND_GROUP) {
    for (int64_t c = column - column % reach_; c < column; ++c) tc_pass_level(&group, &arrangement, levels[c]);
  }
  const int8_t* above = row == 0 ? nullptr : levels - matrix.columns;
  return tc_zero_model(&arrangement, levels, above, static_cast<int32_t>(column), &group) - TC_MODEL_ZERO;
}

}  // namespace tinyc
