// Weights that are 0 and stay 0: what pruning tells the passes after it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tinyc/ops/linear.h"

namespace tinyc {

// By element of a weight: not 0 where the weight is held at 0.
using WeightMask = std::vector<uint8_t>;
// By name of the weight's value; absent: nothing is held.
using WeightMasks = std::map<std::string, WeightMask, std::less<>>;

// The same for one group of a layer.
struct GroupMask {
  int64_t columns = 0;
  std::vector<uint8_t> held;  // [rows, columns]; empty: nothing is held

  bool empty() const { return held.empty(); }
  bool operator()(int64_t row, int64_t column) const {
    return !held.empty() && held[static_cast<size_t>(row * columns + column)] != 0;
  }
};

// By group.
std::vector<GroupMask> group_masks(const LinearForm& form, const WeightMask& mask);
// The other way; elements that the form does not reach are not held.
WeightMask weight_mask(const LinearForm& form, std::span<const GroupMask> groups, int64_t elements);

}  // namespace tinyc
