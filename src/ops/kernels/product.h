// The matrix product that convolutions and dense layers are made of.
//
//   out[r, c] = clamp(start[r] + sum over k of a[r, k] * b[k, c])
//
// B is not a matrix in memory but lines: line k starts at an offset of its own, so the taps of a convolution are lines
// of the (padded) image itself and nothing is unrolled. Columns come in runs that are contiguous in B and in the
// output.
//
// Numbers: each element is one chain of fused multiply-adds from `start` on in the order of k. So its bits depend on
// its row, its column and nothing else: not on the neighbours, the tiling, or the width of the machine's vectors.
//
// Method: a tile of up to 8 rows by 3 vectors of columns stays in registers while k runs; each step loads 3 vectors of
// B and broadcasts 8 numbers of A, 24 multiply-adds for 11 loads. A vector at the end of a run overlaps the one before
// it rather than being partial: elements are computed twice, with the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace tinyc::kernels {

inline constexpr int64_t kRowTile = 8;

struct ColumnRun {
  int64_t b = 0;    // first column's offset from the start of every line
  int64_t out = 0;  // its place in the output
  int64_t count = 0;
};

struct Product {
  int64_t rows = 0;
  int64_t depth = 0;
  const float* a = nullptr;
  // Element (r, k) of A is at a[r * a_row + k * a_step]; with a_row 0, A is as pack_rows leaves it.
  int64_t a_row = 0;
  int64_t a_step = 0;
  const float* b = nullptr;        // one vector may be read past the end of every line
  const int32_t* lines = nullptr;  // by k: offset of line k
  std::span<const ColumnRun> runs;
  const float* start = nullptr;         // by row; null: 0
  const float* column_start = nullptr;  // by place in an output row, used instead of `start`
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  float* out = nullptr;
  int64_t out_stride = 0;  // elements between output rows
};
void multiply(const Product& product);

// A in the order that multiply reads it: tiles of at most kRowTile rows, the tile's rows side by side for each k.
// Element (r, k) is at a[r * row_stride + k * step]. `packed` has rows * depth elements.
void pack_rows(int64_t rows, int64_t depth, const float* a, int64_t row_stride, int64_t step, float* packed);

// Floats in a vector of this machine: for choosing between ways that give the same numbers.
int64_t vector_lanes();

}  // namespace tinyc::kernels
