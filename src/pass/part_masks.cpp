#include "pass/part_masks.h"

#include <algorithm>

#include "quant/axis_index.h"
#include "tinyc/pass/rewrite.h"

namespace tinyc {
namespace {

std::vector<bool> summed_axes(const Graph& graph, const LinearLayer& layer) {
  const std::optional<NodeAxes> axes = axes_of(graph, graph[layer.id]);
  std::vector<bool> is_sum(static_cast<size_t>(graph[weight_id(graph, layer)].constant->rank()), false);
  for (const LabelSum& sum : axes ? axes->sums : std::vector<LabelSum>()) {
    for (const auto& [k, axis] : sum.terms) {
      if (k == layer.weight) is_sum[static_cast<size_t>(axis)] = true;
    }
  }
  return is_sum;
}

bool goes(int32_t part, const std::vector<bool>& gone) {
  return part != kNoPart && gone[static_cast<size_t>(part)];
}

// Constants of layers, and what sums add to their results.
bool is_held(const Graph& graph, const Node& node, size_t k) {
  const ValueId id = node.inputs[k];
  if (id == kNoValue || !graph[id].constant || graph[id].type.dtype != DataType::kFloat) return false;
  return node.op->linear != nullptr || node.op->quant.scaling == Scaling::kSum;
}

WeightMask mask_of(const Tensor& constant, const Parts& parts, const std::vector<bool>& gone) {
  WeightMask mask;
  for_each_place(constant.dims(), [&](size_t /*element*/, const Dims& place) {
    bool held = false;
    for (size_t axis = 0; axis < place.size(); ++axis) {
      held = held || goes(parts[axis][static_cast<size_t>(place[axis])], gone);
    }
    mask.push_back(held ? 1 : 0);
  });
  return mask;
}

bool holds_any(const WeightMask& mask) {
  return std::find(mask.begin(), mask.end(), uint8_t{1}) != mask.end();
}

void hold_value(Value& value, WeightMasks& masks, const WeightMask& mask) {
  if (!holds_any(mask)) return;
  WeightMask& held = masks[value.name];
  held.resize(mask.size(), 0);
  for (size_t i = 0; i < mask.size(); ++i) held[i] |= mask[i];
  hold_zeros(value, masks);
}

// Rows that go have no bias either.
void hold_bias(Graph& graph, WeightMasks& masks, const MeasuredLayer& each, const std::vector<bool>& gone) {
  const LinearForm& form = each.layer.form();
  const NodeId node = each.layer.id;
  if (form.bias < 0) return;
  WeightMask mask(static_cast<size_t>(form.bias_size), 0);
  for (int64_t g = 0; g < form.groups; ++g) {
    for (int64_t r = 0; r < form.rows; ++r) {
      const int32_t part = each.harm.part_of_row[static_cast<size_t>(g)][static_cast<size_t>(r)];
      mask[static_cast<size_t>(form.bias_at(g, r))] = goes(part, gone) ? 1 : 0;
    }
  }
  if (!holds_any(mask)) return;
  if (operand(graph[node], form.bias) == kNoValue) {
    set_operand(graph, node, form.bias, graph[node].name + "_bias", Tensor::zeros(DataType::kFloat, {form.bias_size}));
  }
  Value& bias = graph[operand(graph[node], form.bias)];
  if (bias.constant && bias.constant->size() == form.bias_size) hold_value(bias, masks, mask);
}

}  // namespace

void find_parts(const Graph& graph, const PartTable& table, MeasuredLayer& measured) {
  const LinearForm& form = measured.layer.form();
  HarmedLayer& harmed = measured.harm;
  const auto groups = static_cast<size_t>(form.groups);
  harmed.part_of_row.assign(groups, std::vector<int32_t>(static_cast<size_t>(form.rows), kNoPart));
  harmed.part_of_column.assign(groups, std::vector<int32_t>(static_cast<size_t>(form.columns), kNoPart));
  const ValueId id = weight_id(graph, measured.layer);
  const Parts* parts = table.find(id);
  if (parts == nullptr) return;
  const std::vector<bool> is_sum = summed_axes(graph, measured.layer);
  const Dims& dims = graph[id].constant->dims();
  const auto part_at = [&](int64_t element, bool of_sum) {
    int32_t part = kNoPart;
    for (size_t axis = dims.size(); axis-- > 0; element /= dims[axis]) {
      const int32_t own = (*parts)[axis][static_cast<size_t>(element % dims[axis])];
      if (is_sum[axis] == of_sum && own != kNoPart) part = own;
    }
    return part;
  };
  for (int64_t g = 0; g < form.groups; ++g) {
    for (int64_t r = 0; r < form.rows; ++r) {
      harmed.part_of_row[static_cast<size_t>(g)][static_cast<size_t>(r)] = part_at(form.weight_at(g, r, 0), false);
    }
    for (int64_t c = 0; c < form.columns; ++c) {
      harmed.part_of_column[static_cast<size_t>(g)][static_cast<size_t>(c)] = part_at(form.weight_at(g, 0, c), true);
    }
  }
}

void hold_parts(Graph& graph, WeightMasks& masks, const PartTable& table, std::span<const MeasuredLayer> layers,
                const std::vector<bool>& gone) {
  for (const Node& node : graph.nodes) {
    for (size_t k = 0; node.op != nullptr && k < node.inputs.size(); ++k) {
      const Parts* parts = is_held(graph, node, k) ? table.find(node.inputs[k]) : nullptr;
      if (parts == nullptr) continue;
      Value& value = graph[node.inputs[k]];
      hold_value(value, masks, mask_of(*value.constant, *parts, gone));
    }
  }
  for (const MeasuredLayer& each : layers) hold_bias(graph, masks, each, gone);
}

void mark_unread(const Graph& graph, std::span<const Structure> structures, const std::vector<bool>& gone,
                 WeightMasks& unread) {
  for (size_t i = 0; i < structures.size(); ++i) {
    if (!gone[i]) continue;
    for (const Slice& slice : structures[i].read) {
      const Value& value = graph[slice.value];
      WeightMask& mask = unread[value.name];
      mask.resize(static_cast<size_t>(value.constant->size()), 0);
      for_each_place(value.constant->dims(), [&](size_t element, const Dims& place) {
        if (place[static_cast<size_t>(slice.axis)] == slice.index) mask[element] = 1;
      });
    }
  }
}

}  // namespace tinyc
