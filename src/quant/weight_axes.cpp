#include "tinyc/quant/weight_axes.h"

#include <algorithm>
#include <span>

#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

bool declares(const Node& node, std::string_view attribute) {
  const auto& attributes = node.op->attributes;
  return std::any_of(attributes.begin(), attributes.end(),
                     [&](const AttributeDef& def) { return def.name == attribute; });
}

}  // namespace

int64_t WeightAxes::channel_of(int64_t element, int axis) const {
  const int64_t inner = element_count(std::span(dims).subspan(static_cast<size_t>(axis) + 1));
  const int64_t at = element / inner % dims[static_cast<size_t>(axis)];
  if (groups == 1 || axis != 1) return at;
  const int64_t of_all_groups = element / (inner * dims[1]);
  return of_all_groups / (dims[0] / groups) * dims[1] + at;
}

std::optional<WeightAxes> weight_axes(const Node& node, const Dims& weight) {
  if (node.op == nullptr || node.op->quant.scaling != Scaling::kLayer) return std::nullopt;
  if (weight.size() < 2 || node.op->quant.channel_axis == nullptr) return std::nullopt;
  if (declares(node, "transA") && int_attr(node, "transA") != 0) return std::nullopt;
  const auto rank = static_cast<int>(weight.size());
  WeightAxes axes{weight};
  axes.convolution = declares(node, "group");
  axes.groups = axes.convolution ? int_attr(node, "group") : 1;
  axes.out_axis = node.op->quant.channel_axis(node, 1, rank);
  axes.in_axis = axes.convolution ? 1 - axes.out_axis : 2 * rank - 3 - axes.out_axis;
  return axes;
}

}  // namespace tinyc
