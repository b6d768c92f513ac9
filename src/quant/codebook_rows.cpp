#include "quant/codebook_rows.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "quant/linear_algebra.h"
#include "tinyc/quant/params.h"

namespace tinyc {
namespace {

using ConstArray = Eigen::Map<const Eigen::ArrayXd>;

ConstArray array(std::span<const double> values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}

// Vectors by the falling sum of their diagonals; single columns are vectors of one.
std::vector<int64_t> sorted_columns(const CodebookSearch& given, const Matrix& h) {
  std::vector<int64_t> columns = given.order;
  if (columns.empty()) {
    columns.resize(static_cast<size_t>(h.rows));
    std::iota(columns.begin(), columns.end(), 0);
  }
  std::vector<std::pair<double, std::span<const int64_t>>> vectors;
  const auto length = static_cast<size_t>(given.length);
  for (size_t first = 0; first < columns.size(); first += length) {
    const auto vector = std::span<const int64_t>(columns).subspan(first, length);
    double cost = 0;
    for (const int64_t column : vector) cost += h(column, column);
    vectors.emplace_back(cost, vector);
  }
  std::stable_sort(vectors.begin(), vectors.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<int64_t> sorted;
  for (const auto& [cost, vector] : vectors) sorted.insert(sorted.end(), vector.begin(), vector.end());
  return sorted;
}

}  // namespace

CodebookRows::CodebookRows(const CodebookSearch& given, int threads)
    : given_(&given), rows_of_scale_(given.smallest.size(), 0) {
  fix_blocking();
  groups_.reserve(given.groups.size());
  for (size_t g = 0; g < given.groups.size(); ++g) {
    const OutputError& error = given.groups[g];
    const GroupMask held = given.held.empty() ? GroupMask() : given.held[g];
    groups_.emplace_back(OutputError{error.h, best_with_zeros(error, held, threads)}, Matrix(), held,
                         sorted_columns(given, error.h));
    const SortedError& group = groups_.back();
    fed_.emplace_back(group.rows(), group.columns());
    view(fed_.back()).noalias() = view(group.target()) * view(group.h());
    for (int64_t r = 0; r < group.rows(); ++r) places_.push_back({g, r});
  }
  for (const Place& place : places_) ++rows_of_scale_[index(place)];
}

bool CodebookRows::finds_zeros() const {
  if (std::any_of(given_->held.begin(), given_->held.end(), [](const GroupMask& mask) { return !mask.empty(); })) {
    return true;
  }
  return std::any_of(places_.begin(), places_.end(), [&](const Place& place) {
    const auto row = groups_[place.group].target().row(place.row);
    return std::all_of(row.begin(), row.end(), [](double t) { return t == 0; });
  });
}

double CodebookRows::rounded(double scale) const {
  const auto nearest = static_cast<float>(scale);
  return static_cast<double>(given_->power_of_two_scales ? power_of_two_above(nearest) : nearest);
}

std::vector<double> CodebookRows::storable(std::vector<double> scales) const {
  const double largest = *std::max_element(scales.begin(), scales.end());
  const double least = largest > 0 ? largest * static_cast<double>(kSmallestScaleShare) : 1.0;
  for (size_t i = 0; i < scales.size(); ++i) {
    scales[i] = rounded(std::max(scales[i], least));
    while (scales[i] < given_->smallest[i]) scales[i] *= 2;
  }
  return scales;
}

std::vector<double> CodebookRows::by_power() const {
  std::vector<double> power(given_->smallest.size(), 0.0), weight = power;
  for (const Place& place : places_) {
    const SortedError& group = groups_[place.group];
    const size_t i = index(place);
    power[i] += (array(group.diagonal()) * array(group.target().row(place.row)).square()).sum();
    weight[i] += array(group.diagonal()).sum();
  }
  for (size_t i = 0; i < power.size(); ++i) power[i] = weight[i] > 0 ? std::sqrt(power[i] / weight[i]) : 0.0;
  return storable(std::move(power));
}

std::vector<double> CodebookRows::by_largest() const {
  std::vector<double> largest(given_->smallest.size(), 0.0);
  for (const Place& place : places_) {
    double& own = largest[index(place)];
    own = std::max(own, array(groups_[place.group].target().row(place.row)).abs().maxCoeff());
  }
  return storable(std::move(largest));
}

double CodebookRows::factor_of(std::span<const double> values) const {
  const double largest = array(values).abs().maxCoeff();
  return largest > 0 ? rounded(largest / given_->q_max) : 1.0;
}

std::vector<Lane> CodebookRows::lanes(const Place& place, double scale, int tries, double step) const {
  std::vector<Lane> lanes{{place.row, scale}};
  for (int i = 1; i <= tries && rows_of_scale_[index(place)] == 1; ++i) {
    const double by = given_->power_of_two_scales ? i : i * step;
    for (const double factor : {std::exp2(-by), std::exp2(by)}) {
      const double tried = rounded(scale * factor);
      if (tried >= given_->smallest[index(place)]) lanes.push_back({place.row, tried});
    }
  }
  return lanes;
}

std::vector<double> CodebookRows::best(std::span<const double> wanted, std::span<const double> power,
                                       std::vector<double> before) const {
  for (size_t i = 0; i < before.size(); ++i) {
    if (wanted[i] > 0 && power[i] > 0) before[i] = std::max(wanted[i] / power[i], given_->smallest[i]);
  }
  return before;
}

std::vector<Matrix> CodebookRows::in_order(const std::function<std::span<const double>(size_t place)>& values) const {
  std::vector<Matrix> steps;
  for (const SortedError& group : groups_) steps.emplace_back(group.rows(), group.columns());
  for (size_t i = 0; i < places_.size(); ++i) {
    const auto& [group, row] = places_[i];
    int64_t k = 0;
    for (const double q : values(i)) steps[group](row, groups_[group].column(k++)) = q;
  }
  return steps;
}

}  // namespace tinyc
