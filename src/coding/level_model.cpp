// Choosing how models are arranged: by trying.
//
// Weights of most layers, scaled by row, are as good as independent: every further model costs what it takes to learn
// (some 8 bits) and gives nothing back. Where weights were removed by structure the pattern is worth up to a bit a
// weight. So the coder's own bits are counted for one model, for groups of 2 to 8 columns, and for neighbours at the
// distance that tells most about zeros: the largest mutual information between "is 0" here and there. Distances beyond
// kFarthest are not tried, and of large layers evenly spaced rows are looked at.
#include "coding/level_model.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tinyc {
namespace {

constexpr int64_t kFarthest = 512;
constexpr int64_t kLookedAt = 16384;  // levels, for the distance

// -log2 of a model's probability, by its upper 12 bits.
const std::array<double, 4096>& bits_of_probability() {
  static const auto table = [] {
    std::array<double, 4096> bits{};
    for (size_t i = 0; i < bits.size(); ++i) bits[i] = -std::log2((static_cast<double>(i) + 0.5) / 4096.0);
    return bits;
  }();
  return table;
}

class BitCounter {
 public:
  BitCounter() { tc_reset_models(models_); }
  void decide(int32_t at, bool decision) {
    tc_model* model = models_ + at;
    const uint32_t zero = model->zero;
    bits_ += bits_of_probability()[(decision ? 0x10000U - zero : zero) >> 4];
    tc_adapt(model, decision);
  }
  double bits() const { return bits_; }

 private:
  tc_model models_[TC_MODELS];
  double bits_ = 0.0;
};

double zero_bits(const LevelMatrix& matrix, const tc_arrangement& arrangement) {
  BitCounter counter;
  visit_levels(matrix, arrangement, [&](int32_t level, int32_t model) { counter.decide(model, level != 0); });
  return counter.bits() + (arrangement.around == TC_AROUND_NEIGHBOURS ? 16
                           : arrangement.around == TC_AROUND_GROUP    ? 8
                                                                      : 0);
}

double magnitude_bits(const LevelMatrix& matrix, bool by_sign) {
  BitCounter counter;
  for (const int8_t level : matrix.levels) {
    if (level != 0)
      visit_level(
          level, TC_MODEL_ZERO, by_sign, [&](int32_t at, bool decision) { counter.decide(at, decision); }, [](bool) {});
  }
  return counter.bits();
}

double entropy(double part, double all) {
  if (part <= 0.0 || part >= all) return 0.0;
  return -part * std::log2(part / all) - (all - part) * std::log2(1.0 - part / all);
}

// Bits that zeros of a row take less when the level `reach` before is known.
double told_by(const LevelMatrix& matrix, int64_t step, int64_t reach) {
  std::array<double, 4> counts{};
  for (int64_t r = 0; r < matrix.rows; r += step) {
    const int8_t* row = matrix.levels.data() + r * matrix.columns;
    for (int64_t c = reach; c < matrix.columns; ++c) ++counts[(row[c - reach] != 0 ? 2 : 0) + (row[c] != 0 ? 1 : 0)];
  }
  const double before = counts[0] + counts[1];
  const double after = counts[2] + counts[3];
  return entropy(counts[1] + counts[3], before + after) - entropy(counts[1], before) - entropy(counts[3], after);
}

int32_t best_reach(const LevelMatrix& matrix) {
  const int64_t step = std::max<int64_t>(1, matrix.rows * matrix.columns / kLookedAt);
  int64_t best = 1;
  double most = 0.0;
  for (int64_t reach = 1; reach < std::min(matrix.columns, kFarthest); ++reach) {
    const double told = told_by(matrix, step, reach);
    if (told > most) {
      most = told;
      best = reach;
    }
  }
  return static_cast<int32_t>(best);
}

}  // namespace

tc_arrangement choose_arrangement(const LevelMatrix& matrix) {
  tc_arrangement best = {TC_AROUND_NOTHING, 1, magnitude_bits(matrix, true) < magnitude_bits(matrix, false)};
  double fewest = zero_bits(matrix, best);
  const auto consider = [&](int32_t around, int32_t reach) {
    const tc_arrangement arrangement = {around, reach, best.by_sign};
    const double bits = zero_bits(matrix, arrangement);
    if (bits < fewest) {
      fewest = bits;
      best = arrangement;
    }
  };
  consider(TC_AROUND_NEIGHBOURS, best_reach(matrix));
  for (int32_t group = 2; group <= TC_LARGEST_GROUP; ++group) consider(TC_AROUND_GROUP, group);
  return best;
}

}  // namespace tinyc
