#include "ops/kernels/dense.h"

#include <algorithm>

namespace tinyc::kernels {
namespace {
constexpr int64_t kPanelColumns = 48;  // a multiple of three vectors of any machine
constexpr int64_t kSlack = 32;         // floats that vectors may read beyond the end
}  // namespace

Dense::Dense(int64_t depth, int64_t columns) : depth_(depth), columns_(columns) {
  for (int64_t k = 0; k < depth; ++k) lines_.push_back(static_cast<int32_t>(k * kPanelColumns));
  for (int64_t first = 0; first < columns; first += kPanelColumns) {
    runs_.push_back({first * depth, first, std::min(kPanelColumns, columns - first)});
  }
}

int64_t Dense::packed_size() const {
  return static_cast<int64_t>(runs_.size()) * kPanelColumns * depth_ + kSlack;
}

void Dense::pack(const float* b, int64_t row_stride, int64_t column_stride, float* packed) const {
  std::fill_n(packed, packed_size(), 0.0F);
  for (const ColumnRun& run : runs_) {
    for (int64_t k = 0; k < depth_; ++k) {
      for (int64_t c = 0; c < run.count; ++c) {
        packed[run.b + k * kPanelColumns + c] = b[k * row_stride + (run.out + c) * column_stride];
      }
    }
  }
}

void Dense::run(const Operands& operands) const {
  multiply({.rows = operands.rows,
            .depth = depth_,
            .a = operands.a,
            .a_row = operands.a_row == 0 ? depth_ : operands.a_row,
            .a_step = operands.a_step,
            .b = operands.b,
            .lines = lines_.data(),
            .runs = runs_,
            .column_start = operands.start,
            .low = operands.low,
            .high = operands.high,
            .out = operands.y,
            .out_stride = columns_});
}

}  // namespace tinyc::kernels
