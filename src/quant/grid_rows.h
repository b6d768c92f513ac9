// The stages of a grid search (quant/grid_search.h) on the rows of one group. Columns are in the order of the sweep.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "tinyc/base/rng.h"
#include "tinyc/quant/second_order.h"

namespace tinyc {

// The integers low, low + step, ..., high.
struct GridLimits {
  double low, high, step;
};

// A group's quadratic form with columns in the order of the sweep.
class SortedError {
 public:
  // The target is 0 where `held` is. Without an order, columns are sorted by falling diagonal.
  SortedError(const OutputError& error, const Matrix& factors, const GroupMask& held, std::vector<int64_t> order = {});

  int64_t rows() const { return target_.rows; }
  int64_t columns() const { return target_.columns; }
  const Matrix& h() const { return h_; }
  const Matrix& target() const { return target_; }
  const Matrix& factor() const { return factor_; }  // lower triangular: element (k, i) is R(i, k)
  std::span<const double> diagonal() const { return diagonal_; }
  // What a step of the row's scale is multiplied by in a column.
  double scale_factor(int64_t row, int64_t column) const { return factors_.rows == 0 ? 1.0 : factors_(row, column); }
  // Whether the weight stays 0.
  bool is_held(int64_t row, int64_t column) const { return held_(row, column); }
  // Column of the group that stands at place `sorted`.
  int64_t column(int64_t sorted) const { return order_[static_cast<size_t>(sorted)]; }

 private:
  std::vector<int64_t> order_;
  Matrix h_, target_, factor_, factors_;
  GroupMask held_;
  std::vector<double> diagonal_;
};

// A row to be swept with a scale.
struct Lane {
  int64_t row;
  double scale;
};

struct Swept {
  Matrix steps;                // integers [lanes, columns]
  std::vector<double> errors;  // by lane
};
Swept sweep(const SortedError& error, std::span<const Lane> lanes, GridLimits limits);
// The same on any set of numbers: `to_grid` returns the one nearest to what it is given.
Swept sweep_to(const SortedError& error, std::span<const Lane> lanes, const std::function<double(double)>& to_grid);

// A row on its grid, with what descent needs to know of it.
class GridRow {
 public:
  GridRow(const SortedError& error, int64_t row, double scale, std::span<const double> steps);

  double error() const;
  std::span<const double> steps() const { return steps_; }
  // Moves single columns until none moves.
  void descend(GridLimits limits);
  // Moves pairs of columns, and single ones again, until no pair gains or `rounds` are over.
  void descend_pairs(GridLimits limits, int rounds);
  // Kicks some columns and descends from there, `tries` times; stays where that does not gain.
  void restart(GridLimits limits, int tries, Rng& rng);
  // For this row's integers: the parts q H t and q H q of the best scale.
  std::pair<double, double> scale_fit() const;
  GridRow with_scale(double scale) const { return {*error_, row_, scale, steps_}; }

 private:
  void move(int64_t column, double by);
  // What the error grows by when the column moves.
  double price(int64_t column, double by) const;
  void kick(GridLimits limits, Rng& rng);
  bool move_best_pair_of(int64_t column, GridLimits limits);

  // Whether the column can be moved so.
  bool may_move(int64_t column, double by, GridLimits limits) const {
    const double moved = steps_[static_cast<size_t>(column)] + by;
    return moved >= limits.low && moved <= limits.high && !error_->is_held(row_, column);
  }

  const SortedError* error_;
  int64_t row_;
  std::vector<double> units_;  // by column: the size of a step of 1
  std::vector<double> steps_;
  std::vector<double> gradient_;  // (u q - t) H, u the units
};

}  // namespace tinyc
