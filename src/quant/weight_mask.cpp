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
