#include "quant/valued_row.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace tinyc {
namespace {

constexpr int kMostSweeps = 50;  // of a descent; it stops by itself long before
constexpr double kStill = 1e-9;  // of a row's error: moves that gain less are float noise

using Array = Eigen::Map<Eigen::ArrayXd>;
using ConstArray = Eigen::Map<const Eigen::ArrayXd>;

ConstArray array(std::span<const double> values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}

}  // namespace

size_t index_of_value(std::span<const double> codebook, double value) {
  return static_cast<size_t>(std::lower_bound(codebook.begin(), codebook.end(), value) - codebook.begin());
}

double nearest_value(std::span<const double> codebook, double x) {
  const size_t above = index_of_value(codebook, x);
  if (above == 0) return codebook.front();
  if (above == codebook.size()) return codebook.back();
  return x - codebook[above - 1] <= codebook[above] - x ? codebook[above - 1] : codebook[above];
}

ValuedRow::ValuedRow(const SortedError& error, int64_t row, double scale, std::span<const double> values)
    : error_(&error), row_(row), scale_(scale), values_(values.begin(), values.end()), gradient_(values.size(), 0.0) {
  for (size_t i = 0; i < values_.size(); ++i) {
    const double e = scale * values_[i] - error.target()(row, static_cast<int64_t>(i));
    if (e != 0) add_column(i, e);
  }
}

double ValuedRow::error() const {
  return (array(gradient_) * (scale_ * array(values_) - array(error_->target().row(row_)))).sum();
}

void ValuedRow::descend(std::span<const double> codebook) {
  const double least_gain = kStill * std::abs(error());
  bool moved = true;
  for (int i = 0; moved && i < kMostSweeps; ++i) {
    moved = false;
    for (size_t j = 0; j < values_.size(); ++j) moved = move_to_best(j, codebook, least_gain) || moved;
  }
}

std::pair<double, double> ValuedRow::scale_fit(std::span<const double> fed) const {
  const double wanted = (array(values_) * array(fed)).sum();
  return {wanted, ((array(values_) * array(gradient_)).sum() + wanted) / scale_};
}

bool ValuedRow::move_to_best(size_t column, std::span<const double> codebook, double least_gain) {
  if (error_->is_held(row_, static_cast<int64_t>(column))) return false;
  const double curvature = scale_ * scale_ * error_->diagonal()[column];
  const double best = values_[column] - gradient_[column] / (scale_ * error_->diagonal()[column]);
  const double chosen = nearest_value(codebook, best), before = values_[column] - best, after = chosen - best;
  if (chosen == values_[column] || curvature * (before * before - after * after) <= least_gain) return false;
  add_column(column, scale_ * (chosen - values_[column]));
  values_[column] = chosen;
  return true;
}

void ValuedRow::add_column(size_t column, double by) {
  Array(gradient_.data(), static_cast<Eigen::Index>(gradient_.size())) +=
      by * array(error_->h().row(static_cast<int64_t>(column)));
}

}  // namespace tinyc
