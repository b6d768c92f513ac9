// Weights that are 0 and stay 0: what pruning tells the passes after it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tinyc/ir/graph.h"
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

// Holds what either holds.
void merge(GroupMask& mask, const GroupMask& other);

// Of the weight of that name, by group; masks that hold nothing where it has none.
std::vector<GroupMask> held_weights(const WeightMasks& masks, std::string_view name, const LinearForm& form);

// Sets the elements of a constant of floats to 0 that are held at it.
void hold_zeros(Value& value, const WeightMasks& masks);

// By group.
std::vector<GroupMask> group_masks(const LinearForm& form, const WeightMask& mask);
// The other way; elements that the form does not reach are not held.
WeightMask weight_mask(const LinearForm& form, std::span<const GroupMask> groups, int64_t elements);

}  // namespace tinyc
