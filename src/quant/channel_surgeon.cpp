#include "quant/channel_surgeon.h"

#include <Eigen/Cholesky>

#include "quant/linear_algebra.h"

namespace tinyc {

ChannelSurgeon::ChannelSurgeon(const OutputError& error) {
  fix_blocking();
  weights_ = view(error.target);
  const Eigen::MatrixXd own = view(error.h);
  inverse_ = Eigen::LLT<Eigen::MatrixXd>(own).solve(Eigen::MatrixXd::Identity(own.rows(), own.cols()));
}

double ChannelSurgeon::loss(const std::vector<int64_t>& columns) const {
  const Eigen::MatrixXd block = inverse_(columns, columns), weights = weights_(Eigen::all, columns);
  return weights.cwiseProduct(Eigen::LLT<Eigen::MatrixXd>(block).solve(weights.transpose()).transpose()).sum();
}

// What is gone has no weights, and nothing of the inverse leads to it any more.
void ChannelSurgeon::remove(const std::vector<int64_t>& columns) {
  const Eigen::MatrixXd block = inverse_(columns, columns), across = inverse_(Eigen::all, columns);
  const Eigen::LLT<Eigen::MatrixXd> factor(block);
  const Eigen::MatrixXd weights = weights_(Eigen::all, columns);
  const Eigen::MatrixXd fed = factor.solve(across.transpose());  // [unit, columns]
  weights_.noalias() -= weights * fed;
  inverse_.noalias() -= across * fed;
  for (const int64_t column : columns) weights_.col(column).setZero();
}

}  // namespace tinyc
