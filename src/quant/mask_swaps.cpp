#include "tinyc/quant/mask_swaps.h"

#include <Eigen/Cholesky>
#include <algorithm>

#include "quant/linear_algebra.h"
#include "tinyc/base/parallel.h"

namespace tinyc {
namespace {

constexpr int kMostSweeps = 4;
constexpr double kMostMacs = 4e9;  // of a group
constexpr double kLeastGain = 1e-6;

class Row {
 public:
  Row(const OutputError& error, const GroupMask& mask, int64_t row)
      : h_(view(error.h)), error_(Eigen::VectorXd::Zero(error.h.rows)), held_(static_cast<size_t>(error.h.rows)) {
    const Eigen::VectorXd target = view(error.target).row(row).transpose();
    for (int64_t c = 0; c < error.h.rows; ++c) {
      held_[static_cast<size_t>(c)] = mask(row, c);
      if (!mask(row, c)) free_.push_back(c);
    }
    const auto count = static_cast<Eigen::Index>(free_.size());
    const Eigen::MatrixXd own = h_(free_, free_);
    inverse_ = Eigen::LLT<Eigen::MatrixXd>(own).solve(Eigen::MatrixXd::Identity(count, count));
    weights_ = inverse_ * (h_ * target)(free_);
    target_ = target;
  }

  // True when any column of the run changed places with another.
  bool swap_within(std::span<const int64_t> run) {
    bool swapped = false;
    for (size_t place = 0; place < free_.size(); ++place) {
      if (std::find(run.begin(), run.end(), free_[place]) != run.end()) swapped = swap(place, run) || swapped;
    }
    return swapped;
  }

  bool is_held(int64_t column) const { return held_[static_cast<size_t>(column)]; }

 private:
  // Swaps the column at a place of free_ with the best held one of the run, where that gains.
  bool swap(size_t place, std::span<const int64_t> run) {
    const auto at = static_cast<Eigen::Index>(place);
    const double own = inverse_(at, at), cost = weights_[at] * weights_[at] / own;
    const Eigen::VectorXd column = inverse_.col(at);
    Eigen::VectorXd weights = weights_ - column * (weights_[at] / own);
    weights[at] = 0;
    error_ = -target_;
    for (size_t i = 0; i < free_.size(); ++i) error_[free_[i]] += weights[static_cast<Eigen::Index>(i)];
    int64_t best = -1;
    double most = cost * (1 + kLeastGain), best_slope = 0, best_curvature = 0;
    Eigen::VectorXd best_follow;
    for (const int64_t other : run) {
      if (!is_held(other)) continue;
      Eigen::VectorXd across = h_.row(other)(free_).transpose();
      across[at] = 0;
      Eigen::VectorXd follow = inverse_ * across - column * (column.dot(across) / own);
      follow[at] = 0;
      const double slope = h_.row(other).dot(error_), curvature = h_(other, other) - across.dot(follow);
      if (slope * slope / curvature <= most) continue;
      most = slope * slope / curvature;
      best = other;
      best_slope = slope;
      best_curvature = curvature;
      best_follow = std::move(follow);
    }
    if (best < 0) return false;
    take(place, best, -best_slope / best_curvature, best_curvature, best_follow, weights);
    return true;
  }

  // Column `other` takes the place; free columns follow it by -follow times its weight.
  void take(size_t place, int64_t other, double weight, double curvature, const Eigen::VectorXd& follow,
            const Eigen::VectorXd& weights) {
    const auto at = static_cast<Eigen::Index>(place);
    const Eigen::VectorXd column = inverse_.col(at);
    inverse_ -= column * (column / column[at]).transpose();
    inverse_ += follow * (follow / curvature).transpose();
    inverse_.col(at) = -follow / curvature;
    inverse_.row(at) = inverse_.col(at).transpose();
    inverse_(at, at) = 1 / curvature;
    weights_ = weights - follow * weight;
    weights_[at] = weight;
    held_[static_cast<size_t>(free_[place])] = true;
    held_[static_cast<size_t>(other)] = false;
    free_[place] = other;
  }

  ConstMatrixView h_;
  Eigen::VectorXd target_, error_;
  std::vector<bool> held_;     // by column
  std::vector<int64_t> free_;  // columns by place
  Eigen::MatrixXd inverse_;    // of H among free columns
  Eigen::VectorXd weights_;    // by place
};

}  // namespace

GroupMask swap_held(const OutputError& error, const PruneUnits& units, GroupMask mask, int threads) {
  if (units.size != 1 || units.of == 0 || mask.empty()) return mask;
  fix_blocking();
  const auto all = static_cast<double>(units.count()),
             share = static_cast<double>(units.kept) / static_cast<double>(units.of);
  const double sweep = static_cast<double>(error.target.rows) * static_cast<double>(units.of - units.kept + 1) * all *
                       share * all * share * all * share;
  const int sweeps = static_cast<int>(std::min<double>(kMostSweeps, kMostMacs / std::max(sweep, 1.0)));
  parallel_for(error.target.rows, threads, [&](int64_t r, int /*thread*/) {
    if (sweeps == 0) return;
    Row row(error, mask, r);
    for (int i = 0; i < sweeps; ++i) {
      bool swapped = false;
      for (int64_t first = 0; first < units.count(); first += units.of) {
        const auto count = static_cast<size_t>(std::min(units.of, units.count() - first));
        swapped = row.swap_within(std::span(units.columns).subspan(static_cast<size_t>(first), count)) || swapped;
      }
      if (!swapped) break;
    }
    for (int64_t c = 0; c < mask.columns; ++c) {
      mask.held[static_cast<size_t>(r * mask.columns + c)] = row.is_held(c) ? 1 : 0;
    }
  });
  return mask;
}

}  // namespace tinyc
