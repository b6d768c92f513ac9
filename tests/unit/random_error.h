// Quadratic forms for searches over weights to be tried on, and what candidates cost in them.
#pragma once

#include <span>
#include <vector>

#include "tinyc/base/rng.h"
#include "tinyc/quant/second_order.h"
#include "unit/graph_builder.h"

namespace tinyc::testing {

// H of hardly correlated inputs, a random target.
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

// H of strongly correlated inputs of different power.
inline OutputError correlated_error(int64_t rows, int64_t columns, uint64_t seed) {
  Rng rng(seed);
  Matrix mix(columns, columns), h(columns, columns), target(rows, columns);
  for (int64_t i = 0; i < columns; ++i) {
    const double power = rng.uniform(0.1, 1.0);
    for (double& x : mix.row(i)) x = power * rng.uniform(-0.3, 1.0);
  }
  for (double& x : target.elements) x = rng.uniform(-1.0, 1.0);
  for (int64_t i = 0; i < columns; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      for (int64_t k = 0; k < columns; ++k) h(i, j) += mix(i, k) * mix(j, k);
    }
  }
  return {damped(h, 0.01), target};
}

inline double row_error(const OutputError& error, int64_t row, std::span<const double> weights) {
  double sum = 0;
  for (int64_t i = 0; i < error.h.rows; ++i) {
    for (int64_t j = 0; j < error.h.rows; ++j) {
      sum += (weights[static_cast<size_t>(i)] - error.target(row, i)) * error.h(i, j) *
             (weights[static_cast<size_t>(j)] - error.target(row, j));
    }
  }
  return sum;
}

inline double error_of(const OutputError& error, const Matrix& weights) {
  double sum = 0;
  for (int64_t r = 0; r < weights.rows; ++r) sum += row_error(error, r, weights.row(r));
  return sum;
}

// Of what a search found: steps times scales.
template <typename Search, typename Point>
double error_of(const Search& search, const Point& point) {
  double sum = 0;
  for (size_t g = 0; g < search.groups.size(); ++g) {
    Matrix weights = point.steps[g];
    for (int64_t r = 0; r < weights.rows; ++r) {
      for (double& w : weights.row(r)) w *= point.scales[search.scale_of[g][static_cast<size_t>(r)]];
    }
    sum += error_of(search.groups[g], weights);
  }
  return sum;
}

}  // namespace tinyc::testing
