#include "tinyc/quant/weight_mask.h"

namespace tinyc {

std::vector<GroupMask> group_masks(const LinearForm& form, const WeightMask& mask) {
  std::vector<GroupMask> groups(static_cast<size_t>(form.groups));
  for (int64_t g = 0; g < form.groups; ++g) {
    GroupMask& group = groups[static_cast<size_t>(g)];
    group.columns = form.columns;
    group.held.reserve(static_cast<size_t>(form.rows * form.columns));
    for (int64_t r = 0; r < form.rows; ++r) {
      for (int64_t c = 0; c < form.columns; ++c) {
        group.held.push_back(mask[static_cast<size_t>(form.weight_at(g, r, c))]);
      }
    }
  }
  return groups;
}

void merge(GroupMask& mask, const GroupMask& other) {
  if (mask.empty()) {
    mask = other;
    return;
  }
  for (size_t i = 0; i < other.held.size(); ++i) mask.held[i] |= other.held[i];
}

std::vector<GroupMask> held_weights(const WeightMasks& masks, std::string_view name, const LinearForm& form) {
  const auto mask = masks.find(name);
  return mask == masks.end() ? std::vector<GroupMask>(static_cast<size_t>(form.groups))
                             : group_masks(form, mask->second);
}

void hold_zeros(Value& value, const WeightMasks& masks) {
  const auto mask = masks.find(value.name);
  if (mask == masks.end()) return;
  Tensor held = Tensor::of<float>(value.constant->dims(), value.constant->data<float>());
  const auto data = held.mutable_data<float>();
  for (size_t i = 0; i < data.size(); ++i) {
    if (mask->second[i] != 0) data[i] = 0.0F;
  }
  value.constant = held;
}

WeightMask weight_mask(const LinearForm& form, std::span<const GroupMask> groups, int64_t elements) {
  WeightMask mask(static_cast<size_t>(elements), 0);
  for (int64_t g = 0; g < form.groups; ++g) {
    for (int64_t r = 0; r < form.rows; ++r) {
      for (int64_t c = 0; c < form.columns; ++c) {
        if (groups[static_cast<size_t>(g)](r, c)) mask[static_cast<size_t>(form.weight_at(g, r, c))] = 1;
      }
    }
  }
  return mask;
}

}  // namespace tinyc
