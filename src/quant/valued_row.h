// A row of weights that takes values of a codebook: the assignment step of quant/codebook_search.h.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "quant/grid_rows.h"

namespace tinyc {

// In an ascending codebook: where a value stands that is in it, and the value nearest to a number.
size_t index_of_value(std::span<const double> codebook, double value);
double nearest_value(std::span<const double> codebook, double x);

class ValuedRow {
 public:
  // `values` by column in the order of the sweep.
  ValuedRow(const SortedError& error, int64_t row, double scale, std::span<const double> values);

  std::span<const double> values() const { return values_; }
  double scale() const { return scale_; }
  double error() const;
  // Moves single columns to the value that is best while the others stay, until none gains.
  void descend(std::span<const double> codebook);
  // Of the best scale for these values: the parts q H t and q H q. `fed` is t H.
  std::pair<double, double> scale_fit(std::span<const double> fed) const;

 private:
  bool move_to_best(size_t column, std::span<const double> codebook, double least_gain);
  void add_column(size_t column, double by);

  const SortedError* error_;
  int64_t row_;
  double scale_;
  std::vector<double> values_;
  std::vector<double> gradient_;  // (u q - t) H
};

}  // namespace tinyc
