// LayerNormalization: each row, which is everything from `axis` on, brought to mean 0 and deviation 1, then scaled and
// shifted by element. RMSNormalization: divided by its root mean square, then scaled.
#include <cmath>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/float_io.h"
#include "ops/movement.h"
#include "ops/normalization.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axis", -1}, {"epsilon", 1e-5F}, {"stash_type", 1}};

// Rows and what applies to each element of them.
struct Rows {
  int axis;
  size_t length;
  std::vector<float> scale;
  std::vector<float> bias;

  explicit Rows(const EvalContext& c) : axis(normalize_axis(int_attr(c.node(), "axis"), c.input(0).rank())) {
    const auto dims = std::span(c.input(0).dims()).subspan(static_cast<size_t>(axis));
    length = static_cast<size_t>(element_count(dims));
    scale = broadcast_floats(c.input(1), dims);
    bias = c.has_input(2) ? broadcast_floats(c.input(2), dims) : std::vector<float>(length, 0.0F);
  }
};

void infer_layer(InferContext& c) {
  infer_same(c);
  Shape rows = c.shape(0);
  if (rows.ranked()) {
    for (int i = normalize_axis(int_attr(c.node(), "axis"), rows.rank()); i < rows.rank(); ++i) rows[i] = 1;
  }
  const auto stash = static_cast<DataType>(int_attr(c.node(), "stash_type"));
  c.set_output(1, stash, rows);
  c.set_output(2, stash, rows);
}

void eval_layer(EvalContext& c) {
  const Rows rows(c);
  const FloatInput x(c.input(0));
  FloatOutput y(c.output(0));
  const float epsilon = float_attr(c.node(), "epsilon");
  std::vector<float> means;
  std::vector<float> deviations;
  for (size_t at = 0; rows.length > 0 && at < x.size(); at += rows.length) {
    const auto row = x.values().subspan(at, rows.length);
    const Moments moments = moments_of(row, epsilon);
    means.push_back(moments.mean);
    deviations.push_back(moments.inverse_deviation);
    float* out = y.data() + at;
    for (size_t i = 0; i < rows.length; ++i) {
      out[i] = (row[i] - moments.mean) * moments.inverse_deviation * rows.scale[i] + rows.bias[i];
    }
  }
  y.store();
  if (c.has_output(1)) store_floats(means, c.output(1));
  if (c.has_output(2)) store_floats(deviations, c.output(2));
}

void eval_rms(EvalContext& c) {
  const Rows rows(c);
  const FloatInput x(c.input(0));
  FloatOutput y(c.output(0));
  const auto epsilon = static_cast<double>(float_attr(c.node(), "epsilon"));
  for (size_t at = 0; rows.length > 0 && at < x.size(); at += rows.length) {
    const auto row = x.values().subspan(at, rows.length);
    const double square = lane_sum(row, [](double v) { return v * v; }) / static_cast<double>(rows.length);
    const auto inverse = static_cast<float>(1.0 / std::sqrt(square + epsilon));
    float* out = y.data() + at;
    for (size_t i = 0; i < rows.length; ++i) out[i] = row[i] * inverse * rows.scale[i];
  }
  y.store();
}

std::optional<NodeAxes> axes(const AxesContext& c) {
  if (!c.has(0) || c.in(0).rank() == 0) return std::nullopt;
  return mixing_axes(c, normalize_axis(int_attr(c.node, "axis"), c.in(0).rank()), c.in(0).rank());
}

}  // namespace

extern const OpDef k_layer_normalization{
    .name = "LayerNormalization",
    .inputs = {2, 3},
    .outputs = {1, 3},
    .attributes = kAttributes,
    .infer = infer_layer,
    .eval = eval_layer,
    .code = code_layer_normalization,
    .axes = axes,
    .quant = {.kind = QuantKind::kCompute, .scaling = Scaling::kGain},
};

extern const OpDef k_rms_normalization{
    .name = "RMSNormalization",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer_same,
    .eval = eval_rms,
    .axes = axes,
    .quant = {.why_float = kWhyNormalizationIsFloat, .scaling = Scaling::kGain},
};

}  // namespace tinyc
