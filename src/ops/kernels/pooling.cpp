#include "ops/kernels/pooling.h"

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
template <class Finish>
HWY_INLINE void pool_runs(const float* planes, std::span<const int32_t> taps, std::span<const ColumnRun> runs, float* y,
                          bool largest, const Finish& finish) {
  const FloatTag d;
  for (const ColumnRun& run : runs) {
    for (int64_t column = 0; column < run.count; column += kStep) {
      const int64_t at = HWY_MAX(int64_t{0}, HWY_MIN(column, run.count - kStep));
      const float* const from = planes + run.b + at;
      FloatVec result = hn::LoadU(d, from + taps[0]);
      for (size_t k = 1; k < taps.size(); ++k) {
        const FloatVec element = hn::LoadU(d, from + taps[k]);
        result = largest ? hn::Max(element, result) : hn::Add(result, element);
      }
      store_first(finish(result, run.out + at), static_cast<size_t>(run.count - at), y + run.out + at);
    }
  }
}

void pool_largest(const float* planes, std::span<const int32_t> taps, std::span<const ColumnRun> runs, float* y) {
  pool_runs(planes, taps, runs, y, true, [](FloatVec v, int64_t) HWY_ATTR { return v; });
}

void pool_mean(const float* planes, std::span<const int32_t> taps, std::span<const ColumnRun> runs, const float* counts,
               float* y) {
  pool_runs(planes, taps, runs, y, false,
            [&](FloatVec v, int64_t at) HWY_ATTR { return hn::Div(v, hn::LoadU(FloatTag(), counts + at)); });
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
  for (int64_t ky = 0; ky < y.kernel; ++ky) {
    for (int64_t kx = 0; kx < x.kernel; ++kx) taps_.push_back(static_cast<int32_t>(planes_.tap(ky, kx)));
  }
  for (int64_t row = 0; row < y.out; ++row) runs_.push_back({row * planes_.pitch(), row * x.out, x.out});
  if (planes_.pitch() == x.out) runs_ = {{0, 0, y.out * x.out}};
  counts_.resize(counts_.size() + kSlack, 1.0F);
}

int64_t Pool::scratch_size() const {
  return planes_.is_channel() || contiguous_ ? 0 : planes_.size() + kSlack;
}

void Pool::run(const float* x, int64_t planes, float* y, float* scratch) const {
  const float padding = kind_ == Pooling::kMax ? -std::numeric_limits<float>::infinity() : 0.0F;
  for (int64_t i = 0; i < planes; ++i, x += y_.in * x_.in, y += y_.out * x_.out) {
    if (contiguous_) {
      *y = sum_of(x, y_.kernel * x_.in) / counts_[0];
      continue;
    }
    const float* from = x;
    if (scratch_size() > 0) {
      planes_.fill(x, padding, scratch);
      from = scratch;
    }
    if (kind_ == Pooling::kMax) {
      HWY_DYNAMIC_DISPATCH(pool_largest)(from, taps_, runs_, y);
    } else {
      HWY_DYNAMIC_DISPATCH(pool_mean)(from, taps_, runs_, counts_.data(), y);
    }
  }
}

}  // namespace tinyc::kernels
#endif
