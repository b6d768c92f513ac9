// Eigen's views of our matrices, and its blocking held fixed: left alone, Eigen cuts products as it finds the machine's
// caches, and sums then differ in their last bits from machine to machine.
#pragma once

#include <Eigen/Core>

#include "tinyc/quant/matrix.h"

namespace tinyc {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixView = Eigen::Map<RowMajor>;
using ConstMatrixView = Eigen::Map<const RowMajor>;

inline MatrixView view(Matrix& matrix) {
  return {matrix.elements.data(), matrix.rows, matrix.columns};
}
inline ConstMatrixView view(const Matrix& matrix) {
  return {matrix.elements.data(), matrix.rows, matrix.columns};
}

// To be called before the first product or factorization of a computation.
void fix_blocking();

}  // namespace tinyc
