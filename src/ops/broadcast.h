// Walking several operands under numpy broadcasting, one line of elements at a time.
//
// Neighbouring axes along which every operand either moves on or stands still are merged first, so that the usual cases
// (equal dims, a scalar, a value per channel) become one long line or a few.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tinyc/base/error.h"
#include "tinyc/ir/shape.h"

namespace tinyc {

template <size_t kOperands>
struct BroadcastPlan {
  Dims dims;                               // of the outer axes, merged; the line is not among them
  std::array<Dims, kOperands> strides;     // by operand, along the outer axes, in elements
  int64_t line = 1;                        // elements of one line; 0 when the output is empty
  std::array<int64_t, kOperands> steps{};  // by operand: 1 moves along the line, 0 stands still
};

namespace detail {
struct MergedAxes {
  Dims dims;                  // innermost last, at least one
  std::vector<Dims> strides;  // by operand
};
MergedAxes merge_axes(std::span<const int64_t> out, std::span<const Dims> operands);
}  // namespace detail

// Every operand must broadcast to `out`.
template <size_t kOperands>
BroadcastPlan<kOperands> plan_broadcast(std::span<const int64_t> out, const std::array<Dims, kOperands>& operands) {
  detail::MergedAxes merged = detail::merge_axes(out, operands);
  BroadcastPlan<kOperands> plan;
  plan.line = merged.dims.back();
  merged.dims.pop_back();
  plan.dims = std::move(merged.dims);
  for (size_t i = 0; i < kOperands; ++i) {
    plan.steps[i] = merged.strides[i].back();
    merged.strides[i].pop_back();
    plan.strides[i] = std::move(merged.strides[i]);
  }
  return plan;
}

// Calls visit(out_offset, offsets) for each line, in the order of the output; offsets in elements.
template <size_t kOperands, typename Visit>
void for_each_line(const BroadcastPlan<kOperands>& plan, Visit visit) {
  constexpr size_t kMaxAxes = 32;
  TINYC_CHECK(plan.dims.size() <= kMaxAxes);
  int64_t lines = plan.line == 0 ? 0 : 1;
  for (const int64_t dim : plan.dims) lines *= dim;
  std::array<int64_t, kMaxAxes> idx{};
  std::array<int64_t, kOperands> offsets{};
  for (int64_t i = 0; i < lines; ++i) {
    visit(i * plan.line, offsets);
    for (size_t axis = plan.dims.size(); axis-- > 0;) {
      for (size_t k = 0; k < kOperands; ++k) offsets[k] += plan.strides[k][axis];
      if (++idx[axis] < plan.dims[axis]) break;
      for (size_t k = 0; k < kOperands; ++k) offsets[k] -= plan.strides[k][axis] * plan.dims[axis];
      idx[axis] = 0;
    }
  }
}

}  // namespace tinyc
