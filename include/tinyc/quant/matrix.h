// A matrix of doubles, in rows: what the second-order methods hand to each other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tinyc {

struct Matrix {
  Matrix() = default;
  Matrix(int64_t row_count, int64_t column_count)
      : rows(row_count), columns(column_count), elements(static_cast<size_t>(row_count * column_count), 0.0) {}

  double& operator()(int64_t r, int64_t c) { return elements[static_cast<size_t>(r * columns + c)]; }
  double operator()(int64_t r, int64_t c) const { return elements[static_cast<size_t>(r * columns + c)]; }
  std::span<double> row(int64_t r) {
    return std::span(elements).subspan(static_cast<size_t>(r * columns), static_cast<size_t>(columns));
  }
  std::span<const double> row(int64_t r) const {
    return std::span(elements).subspan(static_cast<size_t>(r * columns), static_cast<size_t>(columns));
  }

  int64_t rows = 0;
  int64_t columns = 0;
  std::vector<double> elements;
};

}  // namespace tinyc
