// A quadratic form for searches over weights to be tried on.
#pragma once

#include "tinyc/quant/second_order.h"
#include "unit/graph_builder.h"

namespace tinyc::testing {

// H of correlated inputs, a random target.
inline OutputError random_error(int64_t rows, int64_t columns, uint64_t seed) {
  const Tensor factor = GraphBuilder::random_tensor({columns, columns}, 1.0F, seed),
               target = GraphBuilder::random_tensor({rows, columns}, 1.0F, seed + 1);
  OutputError error{Matrix(columns, columns), Matrix(rows, columns)};
  for (int64_t i = 0; i < columns; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      for (int64_t k = 0; k < columns; ++k) {
        error.h(i, j) += static_cast<double>(factor.data<float>()[static_cast<size_t>(i * columns + k)]) *
                         static_cast<double>(factor.data<float>()[static_cast<size_t>(j * columns + k)]);
      }
    }
    error.h(i, i) += 1.0;
  }
  for (size_t i = 0; i < error.target.elements.size(); ++i) {
    error.target.elements[i] = static_cast<double>(target.data<float>()[i]);
  }
  return error;
}

}  // namespace tinyc::testing
