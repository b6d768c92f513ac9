#include "tinyc/quant/second_order.h"

#include <Eigen/Cholesky>
#include <map>

#include "quant/linear_algebra.h"
#include "tinyc/base/parallel.h"

namespace tinyc {

Matrix damped(const Matrix& h, double share) {
  Matrix result = h;
  double trace = 0;
  for (int64_t i = 0; i < h.rows; ++i) trace += h(i, i);
  const double added = trace > 0 ? share * trace / static_cast<double>(h.rows) : 1.0;
  for (int64_t i = 0; i < h.rows; ++i) result(i, i) += added;
  return result;
}

Matrix best_weights(const Matrix& weights, const Moments& moments, double share) {
  fix_blocking();
  const Matrix regular = damped(moments.h, share);
  const Eigen::MatrixXd wanted = view(weights) * (view(moments.a) - view(moments.h));
  const Eigen::LLT<Eigen::MatrixXd> factor{Eigen::MatrixXd(view(regular))};
  Matrix result = weights;
  view(result) += factor.solve(wanted.transpose()).transpose();
  return result;
}

// H restricted to what is free, solved for what the whole target would feed into it. Rows that hold the same weights
// share a factorization.
Matrix best_with_zeros(const OutputError& error, const GroupMask& held, int threads) {
  if (held.empty()) return error.target;
  fix_blocking();
  const RowMajor fed = view(error.target) * view(error.h);
  Matrix best(error.target.rows, error.target.columns);
  std::map<std::vector<bool>, std::vector<int64_t>> rows_of;
  for (int64_t row = 0; row < best.rows; ++row) {
    std::vector<bool> mask;
    for (int64_t c = 0; c < best.columns; ++c) mask.push_back(held(row, c));
    rows_of[std::move(mask)].push_back(row);
  }
  const std::vector<std::pair<std::vector<bool>, std::vector<int64_t>>> kinds(rows_of.begin(), rows_of.end());
  parallel_for(static_cast<int64_t>(kinds.size()), threads, [&](int64_t kind, int /*thread*/) {
    const auto& [mask, rows] = kinds[static_cast<size_t>(kind)];
    std::vector<Eigen::Index> free;
    for (size_t c = 0; c < mask.size(); ++c) {
      if (!mask[c]) free.push_back(static_cast<Eigen::Index>(c));
    }
    if (free.empty()) return;
    const Eigen::LLT<Eigen::MatrixXd> factor(view(error.h)(free, free));
    for (const int64_t row : rows) {
      const Eigen::VectorXd wanted = fed.row(row)(free).transpose();
      const Eigen::VectorXd solved = factor.solve(wanted);
      for (size_t i = 0; i < free.size(); ++i) best(row, free[i]) = solved[static_cast<Eigen::Index>(i)];
    }
  });
  return best;
}

std::vector<Matrix> best_with_zeros(std::span<const OutputError> errors, std::span<const GroupMask> held, int threads) {
  std::vector<Matrix> best;
  for (size_t g = 0; g < errors.size(); ++g) best.push_back(best_with_zeros(errors[g], held[g], threads));
  return best;
}

double error_above_zeros(const Matrix& candidate, const Matrix& weights, const Moments& moments) {
  fix_blocking();
  const Eigen::MatrixXd own = view(candidate) * view(moments.h);
  const Eigen::MatrixXd wanted = view(weights) * view(moments.a);
  return (own - 2.0 * wanted).cwiseProduct(view(candidate)).sum();
}

std::vector<double> bias_shift(const Matrix& weights, const Matrix& stored, const Moments& moments) {
  std::vector<double> shift(static_cast<size_t>(weights.rows), 0.0);
  for (int64_t r = 0; r < weights.rows; ++r) {
    double sum = 0;
    for (int64_t c = 0; c < weights.columns; ++c) {
      const auto at = static_cast<size_t>(c);
      sum += weights(r, c) * moments.mean_f[at] - stored(r, c) * moments.mean_x[at];
    }
    shift[static_cast<size_t>(r)] = sum;
  }
  return shift;
}

}  // namespace tinyc
