// What the rows of a layer lose together when some of their inputs go, and the others make up for it: the criterion obs
// (src/quant/criteria/obs.cpp) with units that all rows share, as inputs are when a channel leaves the model. With W
// the rows as they are, unit U costs
//   trace(W_U [(H^-1)_UU]^-1 W_U^T),     and then   W <- W - W_U [(H^-1)_UU]^-1 (H^-1)_U.
// Cost: rows times unit squared for a loss, columns squared times unit for a removal.
// Source: the same with structures, Kurtic et al., ZipLM, 2023 (arXiv:2302.04089).
#pragma once

#include <Eigen/Core>
#include <vector>

#include "tinyc/quant/second_order.h"

namespace tinyc {

class ChannelSurgeon {
 public:
  explicit ChannelSurgeon(const OutputError& error);

  double loss(const std::vector<int64_t>& columns) const;
  void remove(const std::vector<int64_t>& columns);
  // The row is no longer wanted, so it loses nothing.
  void drop_row(int64_t row) { weights_.row(row).setZero(); }

 private:
  Eigen::MatrixXd weights_;  // [rows, columns]
  Eigen::MatrixXd inverse_;
};

}  // namespace tinyc
