// GroupNormalization: the channels of a sample in num_groups groups, each brought to mean 0 and deviation 1, then
// scaled and shifted by channel (opset 21; before, by group). InstanceNormalization: a group per channel.
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/float_io.h"
#include "ops/movement.h"
#include "ops/normalization.h"

namespace tinyc {
namespace {

constexpr AttributeDef kGroupAttributes[] = {
    {"epsilon", 1e-5F}, {"num_groups", AttributeType::kInt}, {"stash_type", 1}};
constexpr AttributeDef kInstanceAttributes[] = {{"epsilon", 1e-5F}};

void infer(InferContext& c) {
  infer_same(c);
  const Shape& shape = c.shape(0);
  if (!shape.ranked()) return;
  if (shape.rank() < 2) c.fail_input(0, "has rank " + std::to_string(shape.rank()) + ", expected 2 or more");
  for (const int operand : {1, 2}) {
    c.require_rank(operand, 1);
    const Shape& own = c.shape(operand);
    if (own.known() && shape[1].known() && own[0].value != shape[1].value) {
      c.fail_input(operand, "has shape " + to_string(own) + " for " + std::to_string(shape[1].value) + " channels");
    }
  }
}

void infer_group(InferContext& c) {
  infer(c);
  const int64_t groups = int_attr(c.node(), "num_groups");
  const Shape& shape = c.shape(0);
  if (groups < 1 || (shape.ranked() && shape[1].known() && shape[1].value % groups != 0)) {
    throw Error(ErrorKind::kModel,
                "attribute 'num_groups' is " + std::to_string(groups) + " for an input of shape " + to_string(shape));
  }
}

void normalize_groups(EvalContext& c, int64_t groups) {
  const FloatInput x(c.input(0));
  const FloatInput scale(c.input(1));
  const FloatInput bias(c.input(2));
  FloatOutput y(c.output(0));
  const float epsilon = float_attr(c.node(), "epsilon");
  const Dims& dims = c.input(0).dims();
  const auto channels = static_cast<size_t>(dims[1]);
  const auto plane = static_cast<size_t>(count_between(dims, 2, c.input(0).rank()));
  const size_t length = groups == 0 ? 0 : channels / static_cast<size_t>(groups) * plane;
  for (size_t at = 0; length > 0 && at < x.size(); at += length) {
    const auto row = x.values().subspan(at, length);
    const Moments moments = moments_of(row, epsilon);
    for (size_t i = 0; i < length; ++i) {
      const auto channel = static_cast<int64_t>((at + i) / plane % channels);
      y.values()[at + i] = (row[i] - moments.mean) * moments.inverse_deviation * scale[channel] + bias[channel];
    }
  }
  y.store();
}

}  // namespace

extern const OpDef k_group_normalization{
    .name = "GroupNormalization",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .attributes = kGroupAttributes,
    .infer = infer_group,
    .eval = [](EvalContext& c) { normalize_groups(c, int_attr(c.node(), "num_groups")); },
    .axes = [](const AxesContext& c) { return grouped_axes(c, int_attr(c.node, "num_groups")); },
    .quant = {.why_float = kWhyNormalizationIsFloat},
};

extern const OpDef k_instance_normalization{
    .name = "InstanceNormalization",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .attributes = kInstanceAttributes,
    .infer = infer,
    .eval = [](EvalContext& c) { normalize_groups(c, c.input(0).dims()[1]); },
    .axes = channel_axes,
    .quant = {.why_float = kWhyNormalizationIsFloat},
};

}  // namespace tinyc
