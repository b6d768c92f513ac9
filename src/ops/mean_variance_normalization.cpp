// MeanVarianceNormalization: (x - mean) / (deviation + 1e-9), mean and deviation over the listed axes.
//
// The elements are brought into rows of what is normalized together, and back.
#include <algorithm>
#include <cmath>

#include "ops/common_infer.h"
#include "ops/float_io.h"
#include "ops/infer_util.h"
#include "ops/movement.h"
#include "ops/normalization.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axes", AttributeType::kInts}};
constexpr int64_t kDefaultAxes[] = {0, 2, 3};

std::vector<int> axes_of(const Node& node, int rank) {
  return normalize_axes(has_attr(node, "axes") ? ints_attr(node, "axes") : std::span(kDefaultAxes), rank);
}

void infer(InferContext& c) {
  infer_same(c);
  if (c.shape(0).ranked()) axes_of(c.node(), c.shape(0).rank());
}

void normalize(std::span<float> row) {
  const auto count = static_cast<double>(row.size());
  const double mean = lane_sum(row, [](double x) { return x; }) / count;
  const double variance = lane_sum(row, [mean](double x) { return (x - mean) * (x - mean); }) / count;
  const auto inverse = static_cast<float>(1.0 / (std::sqrt(variance) + 1e-9));
  for (float& x : row) x = (x - static_cast<float>(mean)) * inverse;
}

void eval(EvalContext& c) {
  const FloatInput x(c.input(0));
  FloatOutput y(c.output(0));
  const Dims& dims = c.input(0).dims();
  const Dims strides = strides_of(dims);
  const std::vector<int> together = axes_of(c.node(), c.input(0).rank());
  Dims row_dims;
  Dims row_strides;
  size_t length = 1;
  for (const bool inside : {false, true}) {
    for (size_t i = 0; i < dims.size(); ++i) {
      const bool listed = std::find(together.begin(), together.end(), static_cast<int>(i)) != together.end();
      if (listed != inside) continue;
      row_dims.push_back(dims[i]);
      row_strides.push_back(strides[i]);
      if (inside) length *= static_cast<size_t>(dims[i]);
    }
  }
  std::vector<float> rows(x.size());
  const auto bytes = std::as_writable_bytes(std::span(rows)).data();
  const Dims packed = strides_of(row_dims);
  copy_box(sizeof(float), row_dims, {std::as_bytes(x.values()).data(), row_strides}, {bytes, packed});
  for (size_t at = 0; at < rows.size(); at += length) normalize(std::span(rows).subspan(at, length));
  copy_box(sizeof(float), row_dims, {bytes, packed}, {std::as_writable_bytes(y.values()).data(), row_strides});
  y.store();
}

}  // namespace

extern const OpDef k_mean_variance_normalization{
    .name = "MeanVarianceNormalization",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = kWhyNormalizationIsFloat},
};

}  // namespace tinyc
