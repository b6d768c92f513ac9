#include "quant/vector_rows.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

namespace tinyc {
namespace {

constexpr int kMostSweeps = 50;  // of a descent; it stops by itself long before
constexpr double kStill = 1e-9;  // of a row's error: moves that gain less are float noise

using RowVector = Eigen::Map<const Eigen::RowVectorXd>;

RowVector row_vector(std::span<const double> values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}

}  // namespace

std::vector<double> VectorRow::values(const Entries& codebook) const {
  std::vector<double> values;
  for (const Eigen::Index entry : entries) {
    const auto row = codebook.values.row(entry);
    values.insert(values.end(), row.begin(), row.end());
  }
  return values;
}

VectorRows::Seen VectorRows::seen(const Entries& codebook, const Eigen::MatrixXd& metric) {
  Seen seen{codebook.values * metric, {}};
  seen.squares = seen.entries.rowwise().squaredNorm();
  return seen;
}

VectorRows::VectorRows(const SortedError& error, const Entries& codebook)
    : error_(&error), codebook_(&codebook), vectors_(error.columns() / codebook.length()) {
  const Eigen::Index length = codebook.length();
  const ConstMatrixView factor = view(error.factor()), h = view(error.h());
  for (Eigen::Index first = 0; first < vectors_ * length; first += length) {
    swept_.push_back(seen(codebook, factor.block(first, first, length, length).transpose()));
    const Eigen::MatrixXd block = h.block(first, first, length, length);
    factor_.emplace_back(Eigen::LLT<Eigen::MatrixXd>(block).matrixL());
    held_.push_back(seen(codebook, factor_.back()));
  }
}

uint64_t VectorRows::held_of(int64_t row, Eigen::Index vector) const {
  uint64_t held = 0;
  for (Eigen::Index i = 0; i < codebook_->length(); ++i) {
    if (error_->is_held(row, vector * codebook_->length() + i)) held |= uint64_t{1} << i;
  }
  return held;
}

Eigen::Index VectorRows::nearest(const Seen& seen, const Eigen::RowVectorXd& wanted, uint64_t held) const {
  Eigen::VectorXd cost = seen.squares;
  for (Eigen::Index j = 0; j < wanted.size(); ++j) cost -= 2.0 * wanted[j] * seen.entries.col(j);
  if (held != 0) {
    for (Eigen::Index k = 0; k < cost.size(); ++k) {
      if (!codebook_->may_take(held, k)) cost[k] = HUGE_VAL;
    }
  }
  return std::find(cost.begin(), cost.end(), cost.minCoeff()) - cost.begin();
}

std::vector<VectorRow> VectorRows::swept(std::span<const Lane> lanes) const {
  const Eigen::Index length = codebook_->length();
  const ConstMatrixView factor = view(error_->factor());
  RowMajor errors(std::ssize(lanes), error_->columns());
  std::vector<VectorRow> rows(lanes.size());
  for (Eigen::Index v = 0; v < vectors_; ++v) {
    const Eigen::Index first = v * length;
    const RowMajor fed = errors.leftCols(first) * factor.block(first, 0, length, first).transpose();
    const auto metric = factor.block(first, first, length, length).transpose();
    for (size_t lane = 0; lane < lanes.size(); ++lane) {
      const auto at = static_cast<Eigen::Index>(lane);
      const auto [row, scale] = lanes[lane];
      const auto target = row_vector(error_->target().row(row)).segment(first, length);
      const Eigen::RowVectorXd wanted = (target * metric - fed.row(at)) / scale;
      const Eigen::Index entry = nearest(swept_[static_cast<size_t>(v)], wanted, held_of(row, v));
      rows[lane].scale = scale;
      rows[lane].entries.push_back(entry);
      errors.row(at).segment(first, length) = scale * codebook_->values.row(entry) - target;
      rows[lane].error += (errors.row(at).segment(first, length) * metric + fed.row(at)).squaredNorm();
    }
  }
  return rows;
}

// A row while it descends.
struct VectorRows::Moving {
  int64_t row;
  VectorRow* state;
  Eigen::RowVectorXd values, gradient;  // q, and (u q - t) H
};

void VectorRows::descend(int64_t row, VectorRow& state) const {
  const std::vector<double> values = state.values(*codebook_);
  const auto target = row_vector(error_->target().row(row));
  Moving moving{row, &state, row_vector(values), {}};
  moving.gradient = (state.scale * moving.values - target) * view(error_->h());
  const auto error = [&] { return moving.gradient.dot(state.scale * moving.values - target); };
  const double least_gain = kStill * std::abs(error());
  bool moved = true;
  for (int i = 0; moved && i < kMostSweeps; ++i) {
    moved = false;
    for (Eigen::Index v = 0; v < vectors_; ++v) moved = move_to_best(v, least_gain, moving) || moved;
  }
  state.error = error();
}

bool VectorRows::move_to_best(Eigen::Index vector, double least_gain, Moving& moving) const {
  const auto at = static_cast<size_t>(vector);
  const Eigen::Index length = codebook_->length(), first = vector * length;
  const Eigen::MatrixXd& factor = factor_[at];
  const double scale = moving.state->scale;
  const Eigen::RowVectorXd now = held_[at].entries.row(moving.state->entries[at]);
  const Eigen::VectorXd slope = moving.gradient.segment(first, length).transpose();
  const Eigen::RowVectorXd away = factor.triangularView<Eigen::Lower>().solve(slope).transpose() / scale;
  const Eigen::Index entry = nearest(held_[at], now - away, held_of(moving.row, vector));
  const double gain = away.squaredNorm() - (held_[at].entries.row(entry) - now + away).squaredNorm();
  if (entry == moving.state->entries[at] || scale * scale * gain <= least_gain) return false;
  const Eigen::RowVectorXd by =
      scale * (codebook_->values.row(entry) - codebook_->values.row(moving.state->entries[at]));
  moving.gradient.noalias() += by * view(error_->h()).middleRows(first, length);
  moving.values.segment(first, length) = codebook_->values.row(entry);
  moving.state->entries[at] = entry;
  return true;
}

}  // namespace tinyc
