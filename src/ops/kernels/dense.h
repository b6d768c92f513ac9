// B of a dense layer, laid out for multiply (product.h): panels of columns, the lines of a panel one after the other,
// so that a tile reads memory straight on.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/kernels/product.h"

namespace tinyc::kernels {

class Dense {
 public:
  // B is [depth, columns].
  Dense(int64_t depth, int64_t columns);
  int64_t packed_size() const;
  // From element (k, c) at b[k * row_stride + c * column_stride].
  void pack(const float* b, int64_t row_stride, int64_t column_stride, float* packed) const;

  // y [rows, columns] = clamp(start [columns] + a [rows, depth] * B).
  struct Operands {
    int64_t rows = 0;
    const float* a = nullptr;  // element (r, k) at a[r * a_row + k * a_step]
    int64_t a_row = 0;         // 0: depth, the rows of a plain matrix
    int64_t a_step = 1;
    const float* b = nullptr;      // packed
    const float* start = nullptr;  // null: 0
    float low = 0.0F, high = 0.0F;
    float* y = nullptr;
  };
  void run(const Operands& operands) const;

 private:
  int64_t depth_, columns_;
  std::vector<int32_t> lines_;
  std::vector<ColumnRun> runs_;
};

}  // namespace tinyc::kernels
