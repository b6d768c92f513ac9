#include "ops/kernels/pooling.h"

#include <algorithm>
#include <limits>
#include <span>

#include "ops/kernels/elementwise.h"
#include "ops/kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/pooling.cpp"
#include "hwy/foreach_target.h"
#include "ops/kernels/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace tinyc::kernels::HWY_NAMESPACE {
namespace {

constexpr int64_t kStep = static_cast<int64_t>(kLanes);

// One vector of outputs at a time; the last of a run overlaps the one before it.
void pool_mean(const float* planes, std::span<const int32_t> taps, std::span<const ColumnRun> runs, const float* counts,
               float* y) {
  const FloatTag d;
  for (const ColumnRun& run : runs) {
    for (int64_t column = 0; column < run.count; column += kStep) {
      const int64_t at = HWY_MAX(int64_t{0}, HWY_MIN(column, run.count - kStep));
      const float* const from = planes + run.b + at;
      FloatVec sum = hn::LoadU(d, from + taps[0]);
      for (size_t k = 1; k < taps.size(); ++k) sum = hn::Add(sum, hn::LoadU(d, from + taps[k]));
      const FloatVec mean = hn::Div(sum, hn::LoadU(d, counts + run.out + at));
      store_first(mean, static_cast<size_t>(run.count - at), y + run.out + at);
    }
  }
}

// Elements from[0], from[stride], ...: a vector of them. Reads up to `stride` vectors.
HWY_INLINE FloatVec load_strided(const float* from, int64_t stride) {
  const FloatTag d;
  if (stride == 1) return hn::LoadU(d, from);
#if HWY_TARGET != HWY_SCALAR
  if (stride == 2) return hn::ConcatEven(d, hn::LoadU(d, from + kStep), hn::LoadU(d, from));
#endif
  HWY_ALIGN float lanes[kLanes];
  for (int64_t i = 0; i < kStep; ++i) lanes[i] = from[i * stride];
  return hn::Load(d, lanes);
}

// The largest of each column, of rows `pitch` apart.
void largest_of_columns(const float* x, int64_t rows, int64_t pitch, int64_t count, float* y) {
  const FloatTag d;
  for (int64_t i = 0; i < count; i += kStep) {
    FloatVec largest = hn::LoadU(d, x + i);
    for (int64_t r = 1; r < rows; ++r) largest = hn::Max(hn::LoadU(d, x + r * pitch + i), largest);
    store_first(largest, static_cast<size_t>(count - i), y + i);
  }
}

// `row` has room for a row of x with its padding, and holds padding around where the row goes.
void pool_largest(const PlaneAxis& y_axis, const PlaneAxis& x_axis, const float* x, float* row, float* y) {
  for (int64_t oy = 0; oy < y_axis.out; ++oy, y += x_axis.out) {
    const int64_t top = oy * y_axis.stride - y_axis.pad;
    const int64_t first = top >= 0 ? 0 : (-top + y_axis.dilation - 1) / y_axis.dilation;
    const int64_t past = HWY_MIN(y_axis.kernel, (y_axis.in - 1 - top) / y_axis.dilation + 1);
    if (past <= first) {  // a window in the padding
      std::fill_n(row + x_axis.pad, x_axis.in, -std::numeric_limits<float>::infinity());
    } else {
      largest_of_columns(x + (top + first * y_axis.dilation) * x_axis.in, past - first, y_axis.dilation * x_axis.in,
                         x_axis.in, row + x_axis.pad);
    }
    for (int64_t ox = 0; ox < x_axis.out; ox += kStep) {
      const float* const from = row + ox * x_axis.stride;
      FloatVec largest = load_strided(from, x_axis.stride);
      for (int64_t k = 1; k < x_axis.kernel; ++k) {
        largest = hn::Max(load_strided(from + k * x_axis.dilation, x_axis.stride), largest);
      }
      store_first(largest, static_cast<size_t>(x_axis.out - ox), y + ox);
    }
  }
}

}  // namespace
}  // namespace tinyc::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinyc::kernels {

HWY_EXPORT(pool_largest);
HWY_EXPORT(pool_mean);

namespace {
constexpr int64_t kSlack = 32;  // floats that vectors may spill over
}

Pool::Pool(Pooling kind, const PlaneAxis& y, const PlaneAxis& x, std::vector<float> counts)
    : kind_(kind), y_(y), x_(x), planes_(y, x), counts_(std::move(counts)) {
  contiguous_ = kind == Pooling::kAverage && y.out == 1 && x.out == 1 && y.pad == 0 && x.pad == 0 && y.dilation == 1 &&
                x.kernel == x.in && y.kernel <= y.in && (x.dilation == 1 || x.kernel == 1);
  if (kind == Pooling::kMax) return;
  for (int64_t ky = 0; ky < y.kernel; ++ky) {
    for (int64_t kx = 0; kx < x.kernel; ++kx) taps_.push_back(static_cast<int32_t>(planes_.tap(ky, kx)));
  }
  for (int64_t row = 0; row < y.out; ++row) runs_.push_back({row * planes_.pitch(), row * x.out, x.out});
  if (planes_.pitch() == x.out) runs_ = {{0, 0, y.out * x.out}};
  counts_.resize(counts_.size() + kSlack, 1.0F);
}

int64_t Pool::scratch_size() const {
  // A row and its padding, to where the last vector of outputs reads.
  if (kind_ == Pooling::kMax) return x_.pad + x_.in + (x_.out + kSlack) * x_.stride + x_.kernel * x_.dilation + kSlack;
  return planes_.is_channel() || contiguous_ ? 0 : planes_.size() + kSlack;
}

void Pool::run(const float* x, int64_t planes, float* y, float* scratch) const {
  if (kind_ == Pooling::kMax) std::fill_n(scratch, scratch_size(), -std::numeric_limits<float>::infinity());
  for (int64_t i = 0; i < planes; ++i, x += y_.in * x_.in, y += y_.out * x_.out) {
    if (kind_ == Pooling::kMax) {
      HWY_DYNAMIC_DISPATCH(pool_largest)(y_, x_, x, scratch, y);
    } else if (contiguous_) {
      *y = sum_of(x, y_.kernel * x_.in) / counts_[0];
    } else {
      if (scratch_size() > 0) planes_.fill(x, 0.0F, scratch);
      HWY_DYNAMIC_DISPATCH(pool_mean)(scratch_size() > 0 ? scratch : x, taps_, runs_, counts_.data(), y);
    }
  }
}

}  // namespace tinyc::kernels
#endif
