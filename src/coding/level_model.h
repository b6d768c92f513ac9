// The decisions that a level is made of, and where their models are: what the encoder and the choice of an arrangement
// have in common. Every walk over a matrix goes through visit_levels.
#pragma once

#include "coding/decoders.h"
#include "tinyc/coding/coder.h"

namespace tinyc {

// Calls decide(model, decision) for what the device decoder decides by a model, plain(bit) for what it reads as it is.
// zero_model is the one of "is it 0".
template <typename Decide, typename Plain>
void visit_level(int32_t level, int32_t zero_model, bool by_sign, const Decide& decide, const Plain& plain) {
  decide(zero_model, level != 0);
  if (level == 0) return;
  decide(TC_MODEL_SIGN, level < 0);
  const int32_t above = TC_MODEL_ABOVE + (by_sign && level < 0 ? TC_UNARY : 0);
  const int32_t magnitude = tc_magnitude(level);
  for (int32_t k = 1; k <= TC_UNARY; ++k) {
    decide(above + k - 1, magnitude > k);
    if (magnitude == k) return;
  }
  const int32_t rest = magnitude - TC_UNARY;
  int32_t doubled = 0;
  while (rest >> (doubled + 1) != 0) ++doubled;
  for (int32_t i = 0; i < doubled; ++i) decide(TC_MODEL_EXPONENT + i, true);
  if (doubled < TC_MOST_DOUBLED) decide(TC_MODEL_EXPONENT + doubled, false);
  for (int32_t i = 0; i < doubled; ++i) {
    const int32_t known = rest >> (doubled - i);
    const bool bit = (rest >> (doubled - i - 1) & 1) != 0;
    if (i < 2) {
      decide(TC_MODEL_REST + 3 * (doubled - 1) + known - 1, bit);
    } else {
      plain(bit);
    }
  }
}

// Calls visit(level, model of "is it 0") for every level, in the decoder's order.
template <typename Visit>
void visit_levels(const LevelMatrix& matrix, const tc_arrangement& arrangement, const Visit& visit) {
  const int8_t* above = nullptr;
  for (int64_t r = 0; r < matrix.rows; ++r) {
    const int8_t* row = matrix.levels.data() + r * matrix.columns;
    tc_in_group group = {0, 0};
    for (int32_t column = 0; column < matrix.columns; ++column) {
      visit(int32_t{row[column]}, tc_zero_model(&arrangement, row, above, column, &group));
      tc_pass_level(&group, &arrangement, row[column]);
    }
    above = row;
  }
}

// The arrangement with which the coder takes the fewest bits.
tc_arrangement choose_arrangement(const LevelMatrix& matrix);

}  // namespace tinyc
