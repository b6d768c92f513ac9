#include "ops/normalization.h"

#include <cmath>

#include "ops/movement.h"

namespace tinyc {

Moments moments_of(std::span<const float> row, float epsilon) {
  const auto count = static_cast<double>(row.size());
  const double mean = lane_sum(row, [](double x) { return x; }) / count;
  const double variance = lane_sum(row, [mean](double x) { return (x - mean) * (x - mean); }) / count;
  return {static_cast<float>(mean), static_cast<float>(1.0 / std::sqrt(variance + static_cast<double>(epsilon)))};
}

std::vector<float> broadcast_floats(const Tensor& tensor, std::span<const int64_t> dims) {
  const std::vector<float> values = tensor.to_float();
  const Dims target(dims.begin(), dims.end());
  if (tensor.dims() == target) return values;
  if (tensor.dims().size() > dims.size() || broadcast(tensor.dims(), dims) != target) {
    throw Error(ErrorKind::kModel,
                "an operand of shape " + to_string(tensor.dims()) + " does not broadcast to " + to_string(dims));
  }
  const size_t added = dims.size() - tensor.dims().size();
  const Dims own = strides_of(tensor.dims());
  Dims strides(dims.size(), 0);
  for (size_t i = 0; i < own.size(); ++i) strides[added + i] = tensor.dims()[i] == 1 ? 0 : own[i];
  std::vector<float> out(static_cast<size_t>(element_count(dims)));
  copy_box(sizeof(float), dims, {std::as_bytes(std::span(values)).data(), std::move(strides)},
           {std::as_writable_bytes(std::span(out)).data(), strides_of(dims)});
  return out;
}

}  // namespace tinyc
