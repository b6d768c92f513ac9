#include "ops/kernels/planes.h"

#include <algorithm>

#include "ops/kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/planes.cpp"
#include "hwy/foreach_target.h"
#include "ops/kernels/simd_inl.h"

#ifndef TINYC_OPS_KERNELS_PLANES_ONCE_
#define TINYC_OPS_KERNELS_PLANES_ONCE_
namespace tinyc::kernels {
namespace {

// The range of indices i in [0, extent) for which i * stride + phase - pad is an element of the axis.
struct Inside {
  int64_t first, past;
  Inside(const PlaneAxis& axis, int64_t phase, int64_t extent) {
    const auto ceil_div = [&](int64_t n) { return n <= 0 ? int64_t{0} : (n + axis.stride - 1) / axis.stride; };
    first = std::min(ceil_div(axis.pad - phase), extent);
    past = std::max(first, std::min(ceil_div(axis.in + axis.pad - phase), extent));
  }
};

// One phase of a channel.
struct PhaseCopy {
  const float* from;   // the first element that is copied
  int64_t from_pitch;  // to the first of the next row
  int64_t stride;
  Inside rows, columns;
  int64_t all_rows, pitch;
  float padding;
  float* to;
};

}  // namespace
}  // namespace tinyc::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tinyc::kernels::HWY_NAMESPACE {
namespace {

constexpr int64_t kStep = static_cast<int64_t>(kLanes);

// Reads and writes up to one vector more.
void copy_over(const float* from, int64_t count, float* to) {
  const FloatTag d;
  for (int64_t i = 0; i < count; i += kStep) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
}

void copy_exactly(const float* from, int64_t count, float* to) {
  const FloatTag d;
  for (int64_t i = 0; i < count; i += kStep) {
    store_first(hn::LoadU(d, from + i), static_cast<size_t>(count - i), to + i);
  }
}

// to[i] = from[i * stride]. Reads up to one vector beyond the last element, writes up to one vector more.
void copy_strided(const float* from, int64_t stride, int64_t count, float* to) {
  if (stride == 1) return copy_over(from, count, to);
#if HWY_TARGET != HWY_SCALAR
  if (stride == 2) {
    const FloatTag d;
    for (int64_t i = 0; i < count; i += kStep) {
      const FloatVec low = hn::LoadU(d, from + 2 * i);
      const FloatVec high = i + kStep / 2 < count ? hn::LoadU(d, from + 2 * i + kStep) : hn::Zero(d);
      hn::StoreU(hn::ConcatEven(d, high, low), d, to + i);
    }
    return;
  }
#endif
  for (int64_t i = 0; i < count; ++i) to[i] = from[i * stride];
}

void fill_over(float value, int64_t count, float* to) {
  const FloatTag d;
  for (int64_t i = 0; i < count; i += kStep) hn::StoreU(hn::Set(d, value), d, to + i);
}

// Each piece may spill over into what is written after it.
void fill_phase(const PhaseCopy& copy) {
  fill_over(copy.padding, copy.rows.first * copy.pitch, copy.to);
  const int64_t count = copy.columns.past - copy.columns.first;
  const int64_t after = copy.pitch - copy.columns.past;
  const float* from = copy.from;
  float* to = copy.to + copy.rows.first * copy.pitch;
  for (int64_t r = copy.rows.first; r < copy.rows.past; ++r) {
    if (copy.columns.first > 0) fill_over(copy.padding, copy.columns.first, to);
    copy_strided(from, copy.stride, count, to + copy.columns.first);
    if (after > 0) fill_over(copy.padding, after, to + copy.columns.past);
    from += copy.from_pitch;
    to += copy.pitch;
  }
  fill_over(copy.padding, (copy.all_rows - copy.rows.past) * copy.pitch, to);
}

void copy_plane_rows(int64_t rows, int64_t count, const float* from, int64_t from_pitch, float* to, int64_t to_pitch) {
  // A row may spill over into the next, which is written after it; the last rows may not spill over the end.
  const int64_t end = (rows - 1) * to_pitch + count;
  const int64_t rounded = (count + kStep - 1) / kStep * kStep;
  for (int64_t r = 0; r < rows; ++r) {
    if (to_pitch == count && r * to_pitch + rounded <= end) {
      copy_over(from + r * from_pitch, count, to + r * to_pitch);
    } else {
      copy_exactly(from + r * from_pitch, count, to + r * to_pitch);
    }
  }
}

void transpose_all(int64_t rows, int64_t columns, const float* from, float* to) {
  int64_t r = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::CappedTag<float, 4> d;  // four by four
  for (; r + 4 <= rows; r += 4) {
    int64_t c = 0;
    for (; c + 4 <= columns; c += 4) {
      const float* const block = from + r * columns + c;
      const auto v0 = hn::LoadU(d, block), v1 = hn::LoadU(d, block + columns);
      const auto v2 = hn::LoadU(d, block + 2 * columns), v3 = hn::LoadU(d, block + 3 * columns);
      const auto low02 = hn::InterleaveLower(d, v0, v2), low13 = hn::InterleaveLower(d, v1, v3);
      const auto high02 = hn::InterleaveUpper(d, v0, v2), high13 = hn::InterleaveUpper(d, v1, v3);
      float* const out = to + c * rows + r;
      hn::StoreU(hn::InterleaveLower(d, low02, low13), d, out);
      hn::StoreU(hn::InterleaveUpper(d, low02, low13), d, out + rows);
      hn::StoreU(hn::InterleaveLower(d, high02, high13), d, out + 2 * rows);
      hn::StoreU(hn::InterleaveUpper(d, high02, high13), d, out + 3 * rows);
    }
    for (; c < columns; ++c) {
      for (int64_t i = 0; i < 4; ++i) to[c * rows + r + i] = from[(r + i) * columns + c];
    }
  }
#endif
  for (; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
  }
}

void gather(int64_t depth, const float* base, const int32_t* lines, std::span<const Segment> segments, float* panel,
            int64_t panel_pitch) {
  for (int64_t k = 0; k < depth; ++k) {
    const float* line = base + lines[k];
    for (const Segment& segment : segments) copy_over(line + segment.from, segment.count, panel + segment.to);
    panel += panel_pitch;
  }
}

}  // namespace
}  // namespace tinyc::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tinyc::kernels {

HWY_EXPORT(fill_phase);
HWY_EXPORT(copy_plane_rows);
HWY_EXPORT(gather);
HWY_EXPORT(transpose_all);

namespace {

std::vector<int64_t> phases_of(const PlaneAxis& axis) {
  std::vector<int64_t> phases;
  for (int64_t k = 0; k < std::min(axis.kernel, axis.stride); ++k) phases.push_back(k * axis.dilation % axis.stride);
  std::sort(phases.begin(), phases.end());
  phases.erase(std::unique(phases.begin(), phases.end()), phases.end());
  return phases;
}

int64_t extent_of(const PlaneAxis& axis) {
  return axis.out + (axis.kernel - 1) * axis.dilation / axis.stride;
}

int64_t position_of(const std::vector<int64_t>& phases, int64_t phase) {
  return std::lower_bound(phases.begin(), phases.end(), phase) - phases.begin();
}

}  // namespace

Planes::Planes(const PlaneAxis& y, const PlaneAxis& x) : y_(y), x_(x) {
  // One window has no next one to stride to.
  if (y_.out == 1) y_.stride = 1;
  if (x_.out == 1) x_.stride = 1;
  row_phases_ = phases_of(y_);
  column_phases_ = phases_of(x_);
  rows_ = extent_of(y_);
  pitch_ = extent_of(x_);
}

bool Planes::is_channel() const {
  return y_.stride == 1 && x_.stride == 1 && y_.pad == 0 && x_.pad == 0 && rows_ <= y_.in && pitch_ == x_.in;
}

int64_t Planes::size() const {
  if (is_channel()) return y_.in * x_.in;
  return static_cast<int64_t>(row_phases_.size() * column_phases_.size()) * rows_ * pitch_;
}

int64_t Planes::tap(int64_t ky, int64_t kx) const {
  const int64_t y = ky * y_.dilation, x = kx * x_.dilation;
  const int64_t plane = position_of(row_phases_, y % y_.stride) * static_cast<int64_t>(column_phases_.size()) +
                        position_of(column_phases_, x % x_.stride);
  return (plane * rows_ + y / y_.stride) * pitch_ + x / x_.stride;
}

void Planes::fill(const float* channel, float padding, float* planes) const {
  const auto fill_one = HWY_DYNAMIC_DISPATCH(fill_phase);
  for (const int64_t row_phase : row_phases_) {
    const Inside rows(y_, row_phase, rows_);
    const float* const row = channel + (rows.first * y_.stride + row_phase - y_.pad) * x_.in;
    for (const int64_t column_phase : column_phases_) {
      const Inside columns(x_, column_phase, pitch_);
      fill_one({.from = row + columns.first * x_.stride + column_phase - x_.pad,
                .from_pitch = y_.stride * x_.in,
                .stride = x_.stride,
                .rows = rows,
                .columns = columns,
                .all_rows = rows_,
                .pitch = pitch_,
                .padding = padding,
                .to = planes});
      planes += rows_ * pitch_;
    }
  }
}

void copy_rows(int64_t rows, int64_t count, const float* from, int64_t from_pitch, float* to, int64_t to_pitch) {
  HWY_DYNAMIC_DISPATCH(copy_plane_rows)(rows, count, from, from_pitch, to, to_pitch);
}

void transpose(int64_t rows, int64_t columns, const float* from, float* to) {
  HWY_DYNAMIC_DISPATCH(transpose_all)(rows, columns, from, to);
}

void gather_panel(int64_t depth, const float* base, const int32_t* lines, std::span<const Segment> segments,
                  float* panel, int64_t panel_pitch) {
  HWY_DYNAMIC_DISPATCH(gather)(depth, base, lines, segments, panel, panel_pitch);
}

}  // namespace tinyc::kernels
#endif
