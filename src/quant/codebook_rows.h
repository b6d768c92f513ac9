// The rows of a layer whose weights are a row's scale times integers of a codebook: the quadratic form that each is
// judged by, and what scales it can have. What searches for codebooks have in common.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "quant/grid_rows.h"
#include "tinyc/quant/codebook_search.h"

namespace tinyc {

struct Place {
  size_t group;
  int64_t row;
};

class CodebookRows {
 public:
  // Refers to the search. Columns are sorted, those that stand together first by what their errors cost.
  CodebookRows(const CodebookSearch& given, int threads);

  std::span<const SortedError> groups() const { return groups_; }
  const SortedError& group_of(const Place& place) const { return groups_[place.group]; }
  // What the row's target makes of H: t H.
  std::span<const double> fed(const Place& place) const { return fed_[place.group].row(place.row); }
  std::span<const Place> places() const { return places_; }  // all rows
  size_t index(const Place& place) const { return given_->scale_of[place.group][static_cast<size_t>(place.row)]; }
  // Whether weights are held, or all those of a row are 0 already.
  bool finds_zeros() const;

  // By scale: what makes rows alike in power, or in their largest weight.
  std::vector<double> by_power() const;
  std::vector<double> by_largest() const;
  // Scales that can be stored, none below what it must be at least.
  std::vector<double> storable(std::vector<double> scales) const;
  // The factor that makes the largest value q_max.
  double factor_of(std::span<const double> values) const;
  // The row with its scale, and with up to `tries` scales, `step` octaves apart, to either side where no other row has
  // that scale.
  std::vector<Lane> lanes(const Place& place, double scale, int tries, double step) const;
  // The best scale is `wanted` / `power`, sums by scale; `before` where that is none.
  std::vector<double> best(std::span<const double> wanted, std::span<const double> power,
                           std::vector<double> before) const;
  // [group]: integers of all places, which stand in the order of the sweep, as the layer has them.
  std::vector<Matrix> in_order(const std::function<std::span<const double>(size_t place)>& values) const;

 private:
  double rounded(double scale) const;

  const CodebookSearch* given_;
  std::vector<SortedError> groups_;
  std::vector<Matrix> fed_;
  std::vector<Place> places_;
  std::vector<int64_t> rows_of_scale_;  // how many
};

}  // namespace tinyc
