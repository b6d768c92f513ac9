#include "quant/grid_rows.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "quant/linear_algebra.h"

namespace tinyc {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kMostSweeps = 100;  // of a descent; it stops by itself long before
constexpr double kGain = 1e-9;    // of a row's error: moves that gain less are float noise
constexpr int64_t kPanel = 48;    // columns of a sweep between products

using Lanes = Eigen::MatrixXd;  // [lanes, columns]: the lanes of a column side by side

double nearest(double x, GridLimits limits) {
  if (limits.step == 1) return std::clamp(std::nearbyint(x), limits.low, limits.high);
  const double steps = std::nearbyint((x - limits.low) / limits.step);
  return std::clamp(limits.low + steps * limits.step, limits.low, limits.high);
}

using Array = Eigen::Map<Eigen::ArrayXd>;
using ConstArray = Eigen::Map<const Eigen::ArrayXd>;

ConstArray array(std::span<const double> values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}
ConstArray array(const std::vector<double>& values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}
Array array(std::vector<double>& values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}

}  // namespace

SortedError::SortedError(const OutputError& error, const Matrix& factors, const GroupMask& held,
                         std::vector<int64_t> order)
    : order_(std::move(order)),
      h_(error.h.rows, error.h.rows),
      target_(error.target.rows, error.target.columns),
      factor_(error.h.rows, error.h.rows),
      factors_(factors),
      held_(held) {
  fix_blocking();
  if (order_.empty()) {
    order_.resize(static_cast<size_t>(error.h.rows));
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) { return error.h(a, a) > error.h(b, b); });
  }
  const int64_t n = columns();
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) h_(i, j) = error.h(column(i), column(j));
    for (int64_t r = 0; r < rows(); ++r) target_(r, i) = error.target(r, column(i));
    for (int64_t r = 0; r < factors.rows; ++r) factors_(r, i) = factors(r, column(i));
    for (int64_t r = 0; r < rows() && !held.empty(); ++r) {
      held_.held[static_cast<size_t>(r * n + i)] = held(r, column(i)) ? 1 : 0;
    }
    diagonal_.push_back(h_(i, i));
  }
  // H = R R^T with R upper triangular is the Cholesky factorization of H read backwards.
  const Eigen::MatrixXd backwards = view(h_).reverse();
  const Eigen::LLT<Eigen::MatrixXd> cholesky(backwards);
  view(factor_) = Eigen::MatrixXd(cholesky.matrixL()).reverse().transpose();
}

Swept sweep(const SortedError& error, std::span<const Lane> lanes, GridLimits limits) {
  return sweep_to(error, lanes, [limits](double x) { return nearest(x, limits); });
}

Swept sweep_to(const SortedError& error, std::span<const Lane> lanes, const std::function<double(double)>& to_grid) {
  fix_blocking();
  const auto count = static_cast<Eigen::Index>(lanes.size());
  const int64_t n = error.columns();
  const ConstMatrixView factor = view(error.factor());
  Lanes errors(count, n), fed(count, kPanel);
  Swept swept{Matrix(count, n), std::vector<double>(lanes.size(), 0.0)};
  for (int64_t first = 0; first < n; first += kPanel) {
    const int64_t width = std::min(kPanel, n - first);
    fed.leftCols(width).noalias() = errors.leftCols(first) * factor.block(first, 0, width, first).transpose();
    for (int64_t k = first; k < first + width; ++k) {
      auto sum = fed.col(k - first);
      for (int64_t i = first; i < k; ++i) sum += errors.col(i) * factor(k, i);
      for (Eigen::Index lane = 0; lane < count; ++lane) {
        const auto [row, scale] = lanes[static_cast<size_t>(lane)];
        const double target = error.target()(row, k), unit = scale * error.scale_factor(row, k);
        const double wanted = (target - sum[lane] / factor(k, k)) / unit;
        const double q = error.is_held(row, k) ? 0.0 : to_grid(wanted);
        swept.steps(lane, k) = q;
        errors(lane, k) = q * unit - target;
        const double part = sum[lane] + errors(lane, k) * factor(k, k);
        swept.errors[static_cast<size_t>(lane)] += part * part;
      }
    }
  }
  return swept;
}

GridRow::GridRow(const SortedError& error, int64_t row, double scale, std::span<const double> steps)
    : error_(&error), row_(row), steps_(steps.begin(), steps.end()), gradient_(steps.size(), 0.0) {
  for (int64_t i = 0; i < error.columns(); ++i) {
    units_.push_back(scale * error.scale_factor(row, i));
    const double e = units_.back() * steps_[static_cast<size_t>(i)] - error.target()(row, i);
    if (e != 0) array(gradient_) += e * array(error.h().row(i));
  }
}

double GridRow::error() const {
  return (array(gradient_) * (array(units_) * array(steps_) - array(error_->target().row(row_)))).sum();
}

void GridRow::move(int64_t column, double by) {
  const auto at = static_cast<size_t>(column);
  steps_[at] += by;
  array(gradient_) += by * units_[at] * array(error_->h().row(column));
}

void GridRow::descend(GridLimits limits) {
  const std::span<const double> diagonal = error_->diagonal();
  bool moved = true;
  for (int i = 0; moved && i < kMostSweeps; ++i) {
    moved = false;
    for (size_t j = 0; j < steps_.size(); ++j) {
      if (error_->is_held(row_, static_cast<int64_t>(j))) continue;
      const double q = steps_[j];
      const double by = nearest(q - gradient_[j] / (units_[j] * diagonal[j]), limits) - q;
      if (by == 0) continue;
      move(static_cast<int64_t>(j), by);
      moved = true;
    }
  }
}

// The best pair of a step of `column` and a step of another, taken when it gains.
bool GridRow::move_best_pair_of(int64_t column, GridLimits limits) {
  const auto at = static_cast<size_t>(column);
  const std::span<const double> row = error_->h().row(column), diagonal = error_->diagonal();
  double best = 0, best_by = 0, other_by = 0;
  int64_t other = -1;
  for (const double by : {limits.step, -limits.step}) {
    if (!may_move(column, by, limits)) continue;
    const double alone = price(column, by), shift = by * units_[at];
    for (size_t j = 0; j < steps_.size(); ++j) {
      if (j == at) continue;
      const double slope = 2 * (gradient_[j] + shift * row[j]), step = slope > 0 ? -limits.step : limits.step;
      const double size = limits.step * units_[j];
      const double gain = alone + size * (size * diagonal[j] - std::abs(slope));
      if (gain >= best || !may_move(static_cast<int64_t>(j), step, limits)) continue;
      best = gain;
      best_by = by;
      other = static_cast<int64_t>(j);
      other_by = step;
    }
  }
  if (other < 0 || -best <= kGain * std::abs(error())) return false;
  move(column, best_by);
  move(other, other_by);
  return true;
}

void GridRow::descend_pairs(GridLimits limits, int rounds) {
  bool moved = true;
  for (int i = 0; moved && i < rounds; ++i) {
    moved = false;
    for (int64_t j = 0; j < error_->columns(); ++j) moved = move_best_pair_of(j, limits) || moved;
    if (moved) descend(limits);
  }
}

double GridRow::price(int64_t column, double by) const {
  const auto at = static_cast<size_t>(column);
  const double moved = by * units_[at];
  return moved * (2 * gradient_[at] + moved * error_->diagonal()[at]);
}

// The cheapest of a few random moves.
void GridRow::kick(GridLimits limits, Rng& rng) {
  constexpr int kCandidates = 4;
  double least = kInfinity, least_by = 0;
  int64_t chosen = -1;
  for (int i = 0; i < kCandidates; ++i) {
    const auto column = static_cast<int64_t>(rng.below(static_cast<uint64_t>(error_->columns())));
    const double by = rng.below(2) == 0 ? -limits.step : limits.step;
    if (!may_move(column, by, limits) || price(column, by) >= least) continue;
    least = price(column, by);
    least_by = by;
    chosen = column;
  }
  if (chosen >= 0) move(chosen, least_by);
}

void GridRow::restart(GridLimits limits, int tries, Rng& rng) {
  constexpr uint64_t kFewestKicks = 2, kMoreKicks = 4;
  double own = error();
  for (int i = 0; i < tries; ++i) {
    GridRow other = *this;
    for (uint64_t kicks = kFewestKicks + rng.below(kMoreKicks); kicks > 0; --kicks) other.kick(limits, rng);
    other.descend(limits);
    const double found = other.error();
    if (found >= own * (1 - kGain)) continue;
    *this = std::move(other);
    own = found;
  }
}

std::pair<double, double> GridRow::scale_fit() const {
  Eigen::ArrayXd product = Eigen::ArrayXd::Zero(static_cast<Eigen::Index>(steps_.size())), scaled = product;
  for (int64_t i = 0; i < error_->columns(); ++i) {
    const double q = steps_[static_cast<size_t>(i)] * error_->scale_factor(row_, i);
    scaled[i] = q;
    if (q != 0) product += q * array(error_->h().row(i));
  }
  return {(product * array(error_->target().row(row_))).sum(), (product * scaled).sum()};
}

}  // namespace tinyc
