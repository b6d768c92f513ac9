// Matrix products by numpy's rules (MatMul, MatMulInteger, QLinearMatMul): leading axes broadcast, a one-dimensional
// operand is a row or a column that leaves no axis behind.
#pragma once

#include <span>

#include "ops/broadcast.h"
#include "tinyc/ops/op.h"

namespace tinyc {

// Output 0 is `dtype` with the dims of the product of operands a and b. Throws Error(kModel) where they do not fit.
void infer_matrix_product(InferContext& context, int a, int b, DataType dtype);

struct MatrixProduct {
  int64_t rows, columns, depth;
  Dims a_batch, b_batch, y_batch;

  MatrixProduct(std::span<const int64_t> a, std::span<const int64_t> b);

  // Calls visit(a, b, y) for each matrix of the result, with offsets of the matrices in elements.
  template <typename Visit>
  void for_each_matrix(Visit visit) const {
    const auto plan = plan_broadcast<2>(y_batch, {a_batch, b_batch});
    for_each_line(plan, [&](int64_t out, const std::array<int64_t, 2>& offsets) {
      for (int64_t i = 0; i < plan.line; ++i) {
        visit((offsets[0] + i * plan.steps[0]) * rows * depth, (offsets[1] + i * plan.steps[1]) * depth * columns,
              (out + i) * rows * columns);
      }
    });
  }
};

}  // namespace tinyc
