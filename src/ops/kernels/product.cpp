#include "ops/kernels/product.h"

#include <algorithm>

#include "ops/kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/product.cpp"
#include "hwy/foreach_target.h"
#include "ops/kernels/simd_inl.h"

#ifndef TINYC_OPS_KERNELS_PRODUCT_ONCE_
#define TINYC_OPS_KERNELS_PRODUCT_ONCE_
namespace tinyc::kernels {
namespace {

// Row tiles differ by at most one row, so that none is much less efficient than the others.
struct RowTiles {
  int64_t rows;
  int64_t count;
  explicit RowTiles(int64_t all_rows) : rows(all_rows), count((all_rows + kRowTile - 1) / kRowTile) {}
  int64_t first(int64_t tile) const { return rows * tile / count; }
};

}  // namespace
}  // namespace tinyc::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tinyc::kernels::HWY_NAMESPACE {
namespace {

#if HWY_ARCH_X86 && HWY_TARGET >= HWY_AVX2
constexpr int kMaxRows = 4;  // 16 registers: 12 sums, 3 of B, 1 of A
#else
constexpr int kMaxRows = 8;  // 32 registers: 24 sums, 3 of B, 1 of A
#endif
constexpr int kMaxVectors = 3;
constexpr int kMaxVectorsOfOneRow = 8;  // more chains, since each waits for its own last addition

struct Tile {
  const float* a;
  int64_t a_row;   // elements between rows
  int64_t a_step;  // elements from k to k + 1
  const float* b[kMaxVectorsOfOneRow];
  float* out[kMaxVectorsOfOneRow];
  int64_t column[kMaxVectorsOfOneRow];  // place in an output row
  size_t counts[kMaxVectorsOfOneRow];
  const float* start;
};

template <int kRows, int kVectors, bool kUnitRows>
void compute_tile(const Product& p, const Tile& tile) {
  const FloatTag d;
  FloatVec sums[kRows][kVectors];
  TINYC_UNROLL for (int r = 0; r < kRows; ++r) {
    const FloatVec first = tile.start == nullptr ? hn::Zero(d) : hn::Set(d, tile.start[r]);
    TINYC_UNROLL for (int v = 0; v < kVectors; ++v) {
      sums[r][v] = p.column_start == nullptr ? first : hn::LoadU(d, p.column_start + tile.column[v]);
    }
  }
  const float* a = tile.a;
  const int64_t a_row = kUnitRows ? 1 : tile.a_row;
  const int32_t* const end = p.lines + p.depth;
  for (const int32_t* line = p.lines; line != end; ++line) {
    const ptrdiff_t offset = *line;
    FloatVec b[kVectors];
    TINYC_UNROLL for (int v = 0; v < kVectors; ++v) b[v] = hn::LoadU(d, tile.b[v] + offset);
    TINYC_UNROLL for (int r = 0; r < kRows; ++r) {
      const FloatVec factor = hn::Set(d, a[r * a_row]);
      TINYC_UNROLL for (int v = 0; v < kVectors; ++v) sums[r][v] = fused_multiply_add(factor, b[v], sums[r][v]);
    }
    a += tile.a_step;
  }
  const FloatVec low = hn::Set(d, p.low);
  const FloatVec high = hn::Set(d, p.high);
  TINYC_UNROLL for (int r = 0; r < kRows; ++r) {
    TINYC_UNROLL for (int v = 0; v < kVectors; ++v) {
      store_first(clamp(sums[r][v], low, high), tile.counts[v], tile.out[v] + r * p.out_stride);
    }
  }
}

template <int kRows, bool kUnitRows>
void compute_rows(const Product& p, const Tile& tile, int vectors) {
  switch (vectors) {
    case 1:
      return compute_tile<kRows, 1, kUnitRows>(p, tile);
    case 2:
      return compute_tile<kRows, 2, kUnitRows>(p, tile);
    default:
      return compute_tile<kRows, 3, kUnitRows>(p, tile);
  }
}

void compute_one_row(const Product& p, const Tile& tile, int vectors) {
  switch (vectors) {
    case 4:
      return compute_tile<1, 4, true>(p, tile);
    case 5:
      return compute_tile<1, 5, true>(p, tile);
    case 6:
      return compute_tile<1, 6, true>(p, tile);
    case 7:
      return compute_tile<1, 7, true>(p, tile);
    case 8:
      return compute_tile<1, 8, true>(p, tile);
    default:
      return compute_rows<1, true>(p, tile, vectors);
  }
}

template <bool kUnitRows>
void compute(const Product& p, const Tile& tile, int64_t rows, int vectors) {
  switch (rows) {
    case 1:
      return compute_rows<1, kUnitRows>(p, tile, vectors);
    case 2:
      return compute_rows<2, kUnitRows>(p, tile, vectors);
    case 3:
      return compute_rows<3, kUnitRows>(p, tile, vectors);
    case 4:
      return compute_rows<4, kUnitRows>(p, tile, vectors);
#if !(HWY_ARCH_X86 && HWY_TARGET >= HWY_AVX2)
    case 5:
      return compute_rows<5, kUnitRows>(p, tile, vectors);
    case 6:
      return compute_rows<6, kUnitRows>(p, tile, vectors);
    case 7:
      return compute_rows<7, kUnitRows>(p, tile, vectors);
    default:
      return compute_rows<8, kUnitRows>(p, tile, vectors);
#else
    default:
      return;
#endif
  }
}

// All rows for one tile of columns.
void compute_columns(const Product& p, Tile tile, int vectors) {
  if (p.rows == 1) {
    tile.start = p.start;
    tile.a = p.a;
    tile.a_step = p.a_row == 0 ? 1 : p.a_step;
    return compute_one_row(p, tile, vectors);
  }
  const RowTiles tiles(p.rows);
  for (int64_t t = 0; t < tiles.count; ++t) {
    const int64_t first = tiles.first(t), past = tiles.first(t + 1);
    for (int64_t row = first; row < past; row += kMaxRows) {
      const int64_t rows = HWY_MIN(past - row, int64_t{kMaxRows});
      tile.start = p.start == nullptr ? nullptr : p.start + row;
      tile.a = p.a_row == 0 ? p.a + first * p.depth + (row - first) : p.a + row * p.a_row;
      tile.a_row = p.a_row;
      tile.a_step = p.a_row == 0 ? past - first : p.a_step;
      p.a_row <= 1 ? compute<true>(p, tile, rows, vectors) : compute<false>(p, tile, rows, vectors);
      for (int v = 0; v < vectors; ++v) tile.out[v] += rows * p.out_stride;
    }
  }
}

void multiply_all(const Product& p) {
  constexpr int64_t kLanesSigned = static_cast<int64_t>(kLanes);
  int64_t vectors = 0;
  for (const ColumnRun& run : p.runs) vectors += (run.count + kLanesSigned - 1) / kLanesSigned;
  const int64_t most = p.rows == 1 ? kMaxVectorsOfOneRow : kMaxVectors;
  const int64_t tiles = (vectors + most - 1) / most;
  const ColumnRun* run = p.runs.data();
  int64_t column = 0;
  for (int64_t t = 0; t < tiles; ++t) {
    const int in_tile = static_cast<int>(vectors * (t + 1) / tiles - vectors * t / tiles);
    Tile tile{};
    for (int v = 0; v < in_tile; ++v) {
      while (column >= run->count) {
        ++run;
        column = 0;
      }
      const int64_t at = HWY_MAX(int64_t{0}, HWY_MIN(column, run->count - kLanesSigned));
      tile.b[v] = p.b + run->b + at;
      tile.out[v] = p.out + run->out + at;
      tile.column[v] = run->out + at;
      tile.counts[v] = static_cast<size_t>(run->count - at);
      column += kLanesSigned;
    }
    compute_columns(p, tile, in_tile);
  }
}

int64_t lanes() {
  return static_cast<int64_t>(kLanes);
}

}  // namespace
}  // namespace tinyc::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinyc::kernels {

HWY_EXPORT(multiply_all);
HWY_EXPORT(lanes);

void multiply(const Product& product) {
  HWY_DYNAMIC_DISPATCH(multiply_all)(product);
}

int64_t vector_lanes() {
  return HWY_DYNAMIC_DISPATCH(lanes)();
}

void pack_rows(int64_t rows, int64_t depth, const float* a, int64_t row_stride, int64_t step, float* packed) {
  const RowTiles tiles(rows);
  for (int64_t t = 0; t < tiles.count; ++t) {
    for (int64_t k = 0; k < depth; ++k) {
      for (int64_t r = tiles.first(t); r < tiles.first(t + 1); ++r) *packed++ = a[r * row_stride + k * step];
    }
  }
}

}  // namespace tinyc::kernels
#endif
