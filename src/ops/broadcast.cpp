#include "ops/broadcast.h"

namespace tinyc::detail {
namespace {

// Strides of an operand along the axes of the output; 0 where it is repeated.
Dims aligned_strides(std::span<const int64_t> out, std::span<const int64_t> operand) {
  TINYC_CHECK(operand.size() <= out.size());
  Dims strides(out.size(), 0);
  int64_t stride = 1;
  for (size_t i = 0; i < operand.size(); ++i) {
    const size_t axis = out.size() - 1 - i;
    const int64_t dim = operand[operand.size() - 1 - i];
    TINYC_CHECK(dim == out[axis] || dim == 1);
    if (dim != 1) strides[axis] = stride;
    stride *= dim;
  }
  return strides;
}

}  // namespace

MergedAxes merge_axes(std::span<const int64_t> out, std::span<const Dims> operands) {
  std::vector<Dims> strides;
  for (const Dims& operand : operands) strides.push_back(aligned_strides(out, operand));
  MergedAxes merged;
  merged.strides.resize(operands.size());
  for (size_t axis = 0; axis < out.size(); ++axis) {
    if (out[axis] == 1) continue;
    bool joins = !merged.dims.empty();
    for (size_t k = 0; k < operands.size() && joins; ++k) {
      joins = merged.strides[k].back() == strides[k][axis] * out[axis];
    }
    if (!joins) {
      merged.dims.push_back(1);
      for (Dims& of_operand : merged.strides) of_operand.push_back(0);
    }
    merged.dims.back() *= out[axis];
    for (size_t k = 0; k < operands.size(); ++k) merged.strides[k].back() = strides[k][axis];
  }
  // The line must be dense: an innermost axis of one element is added for a scalar.
  if (merged.dims.empty()) {
    merged.dims.push_back(1);
    for (Dims& of_operand : merged.strides) of_operand.push_back(0);
  }
  return merged;
}

}  // namespace tinyc::detail
