// What each level would cost in the stream of a layer: for a search that weighs error against bytes.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "tinyc/coding/coder.h"

namespace tinyc {

// Prices from how often the arithmetic coder takes each of its decisions in `matrix`, with the models that it would
// choose: their sum over `matrix` is its length, but for what learning costs. A search changes levels, which changes
// prices: build them anew for every pass over the layer.
class LevelPrices {
 public:
  static constexpr int kContexts = 36;

  explicit LevelPrices(const LevelMatrix& matrix);

  // Of the level at [row][column]; reads levels before it and those of the row above, in `matrix`, which may have
  // changed since but has the same columns.
  int context(const LevelMatrix& matrix, int64_t row, int64_t column) const;
  // Of `level` (-128 .. 127) in `context` (0 .. kContexts - 1).
  double bits(int level, int context) const {
    return level == 0 ? zero_[at(context)] : nonzero_[at(context)] + magnitude_[at(level + 128)];
  }

 private:
  static size_t at(int i) { return static_cast<size_t>(i); }

  int around_ = 0;  // as tc_arrangement has them
  int reach_ = 1;
  std::array<double, kContexts> zero_{};
  std::array<double, kContexts> nonzero_{};
  std::array<double, 256> magnitude_{};  // by level + 128, its sign included
};

}  // namespace tinyc
