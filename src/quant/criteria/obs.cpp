// obs: what a row's output loses when a unit goes and all weights that stay make up for it as well as they can.
//
// Problem: the error of a row w is (w - t) H (w - t)^T. With weights U held at 0 the least is, on the weights that are
// still there,
//   w_U [(H^-1)_UU]^-1 w_U^T,     reached by    w <- w - w_U [(H^-1)_UU]^-1 (H^-1)_U,
// and without U the inverse is   H^-1 <- H^-1 - (H^-1)_,U [(H^-1)_UU]^-1 (H^-1)_U,  (Gauss elimination).
// Method: row by row the unit of least loss goes, again and again, until none is left that may go; as each row's order
// does not depend on other rows, one run ranks every degree of sparsity. A unit that turns out cheaper than one before
// it cannot go without that one, so it takes over its cost. The lower half of H^-1 is kept dense: what goes changes
// places with the last unit. Cost: columns^3 / 6 multiply-adds a row for single weights.
//
// Sources: Hassibi and Stork, Second order derivatives for network pruning: optimal brain surgeon, 1993; Frantar and
// Alistarh, Optimal Brain Compression, 2022 (arXiv:2208.11580).
#include <Eigen/Cholesky>
#include <numeric>

#include "quant/linear_algebra.h"
#include "tinyc/base/parallel.h"
#include "tinyc/quant/pruning.h"

namespace tinyc {
namespace {

// A row being taken apart. Elements are those of the units that are left, unit by unit.
class Row {
 public:
  Row(const PruneInput& input, const Eigen::MatrixXd& inverse, int64_t row)
      : units_(input.units), row_(row), inverse_(inverse), quota_(input.units), left_(units_.count()) {
    for (const int64_t column : units_.columns) weights_.push_back(input.error.target(row, column));
    ids_.resize(static_cast<size_t>(left_));
    std::iota(ids_.begin(), ids_.end(), 0);
  }

  std::vector<Removal> take_apart() {
    std::vector<Removal> removals;
    double cost = 0;
    while (left_ > 0) {
      const auto [place, loss] = cheapest();
      if (place < 0) break;
      const int64_t unit = ids_[static_cast<size_t>(place)];
      cost = std::max(cost, loss / static_cast<double>(units_.size));
      removals.push_back({cost, row_, unit});
      quota_.take(unit);
      remove(place);
    }
    return removals;
  }

 private:
  double& inverse(int64_t i, int64_t j) { return i >= j ? inverse_(i, j) : inverse_(j, i); }

  std::pair<int64_t, double> cheapest() {
    int64_t best = -1;
    double least = 0;
    for (int64_t place = 0; place < left_; ++place) {
      if (!quota_.allows(ids_[static_cast<size_t>(place)])) continue;
      const double loss = units_.size == 1 ? loss_of_weight(place) : weights_of(place).dot(fed_of(place));
      if (best >= 0 && loss >= least) continue;
      best = place;
      least = loss;
    }
    return {best, least};
  }

  double loss_of_weight(int64_t place) const {
    const double weight = weights_[static_cast<size_t>(place)];
    return weight * weight / inverse_(place, place);
  }

  Eigen::VectorXd weights_of(int64_t place) const {
    return Eigen::Map<const Eigen::VectorXd>(weights_.data() + place * units_.size, units_.size);
  }
  // [(H^-1)_UU]^-1 w_U.
  Eigen::VectorXd fed_of(int64_t place) const { return block_of(place).solve(weights_of(place)); }
  Eigen::LLT<Eigen::MatrixXd> block_of(int64_t place) const {
    const int64_t first = place * units_.size;
    return Eigen::LLT<Eigen::MatrixXd>(inverse_.block(first, first, units_.size, units_.size));
  }

  void remove(int64_t place) {
    const int64_t size = units_.size, count = left_ * size, first = place * size;
    Eigen::MatrixXd columns(count, size);
    for (int64_t u = 0; u < size; ++u) {
      for (int64_t i = 0; i < count; ++i) columns(i, u) = inverse(i, first + u);
    }
    Eigen::Map<Eigen::VectorXd>(weights_.data(), count) -= columns * fed_of(place);
    // With L L^T the block, the update is the square of columns L^-T.
    const Eigen::MatrixXd halves = block_of(place).matrixL().solve(columns.transpose()).transpose();
    for (int64_t j = 0; j < count; ++j) {
      auto own = inverse_.col(j).segment(j, count - j);
      for (int64_t u = 0; u < size; ++u) own -= halves(j, u) * halves.col(u).segment(j, count - j);
    }
    move_last_to(place);
    --left_;
  }

  void move_last_to(int64_t place) {
    const int64_t size = units_.size, last = (left_ - 1) * size, first = place * size;
    if (first == last) return;
    for (int64_t u = 0; u < size; ++u) {
      for (int64_t j = 0; j < last; ++j) {
        if (j < first || j >= first + size) inverse(first + u, j) = inverse(last + u, j);
      }
      for (int64_t v = 0; v <= u; ++v) inverse(first + u, first + v) = inverse(last + u, last + v);
      weights_[static_cast<size_t>(first + u)] = weights_[static_cast<size_t>(last + u)];
    }
    ids_[static_cast<size_t>(place)] = ids_[static_cast<size_t>(left_ - 1)];
  }

  const PruneUnits& units_;
  int64_t row_;
  Eigen::MatrixXd inverse_;  // the lower half
  Quota quota_;
  int64_t left_;  // units
  std::vector<double> weights_;
  std::vector<int64_t> ids_;  // by place
};

// Where a unit is a row, nothing is left to make up for it: w H w^T.
Ranking rank_rows(const Eigen::MatrixXd& own, const PruneInput& input) {
  const Eigen::MatrixXd weights = view(input.error.target)(Eigen::all, input.units.columns);
  const Eigen::VectorXd losses = (weights * own).cwiseProduct(weights).rowwise().sum();
  Ranking ranking;
  for (Eigen::Index row = 0; row < losses.size(); ++row) {
    ranking.push_back({{losses[row] / static_cast<double>(input.units.size), row, 0}});
  }
  return ranking;
}

Ranking rank(const PruneInput& input) {
  fix_blocking();
  const auto& columns = input.units.columns;
  const Eigen::MatrixXd own = view(input.error.h)(columns, columns);
  if (input.units.count() == 1 && input.units.of == 0) return rank_rows(own, input);
  const auto count = static_cast<Eigen::Index>(columns.size());
  const Eigen::MatrixXd inverse = Eigen::LLT<Eigen::MatrixXd>(own).solve(Eigen::MatrixXd::Identity(count, count));
  Ranking ranking(static_cast<size_t>(input.error.target.rows));
  parallel_for(input.error.target.rows, input.threads, [&](int64_t row, int /*thread*/) {
    ranking[static_cast<size_t>(row)] = Row(input, inverse, row).take_apart();
  });
  return ranking;
}

}  // namespace

extern constexpr CriterionDef k_criterion_obs{
    "obs", "what outputs lose when the weights that stay make up for it (optimal brain surgeon)", rank, true};

}  // namespace tinyc
