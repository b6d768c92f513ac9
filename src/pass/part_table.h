// Which structure each slice of a graph's values belongs to.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <vector>

#include "tinyc/quant/channel_harm.h"
#include "tinyc/quant/structures.h"

namespace tinyc {

using Parts = std::vector<std::vector<int32_t>>;  // by axis, by index

class PartTable {
 public:
  PartTable(const Graph& graph, std::span<const Structure> structures) : graph_(graph) {
    for (size_t i = 0; i < structures.size(); ++i) {
      for (const Slice& slice : structures[i].slices) {
        parts(slice.value)[static_cast<size_t>(slice.axis)][static_cast<size_t>(slice.index)] = static_cast<int32_t>(i);
      }
    }
  }
  // Null: no slice of the value is in a structure.
  const Parts* find(ValueId id) const {
    const auto found = parts_.find(id);
    return found == parts_.end() ? nullptr : &found->second;
  }
  const std::map<ValueId, Parts>& all() const { return parts_; }

 private:
  Parts& parts(ValueId id) {
    const auto [found, added] = parts_.try_emplace(id);
    if (added) {
      for (const Dim& dim : graph_[id].type.shape.dims()) {
        found->second.emplace_back(static_cast<size_t>(std::max<int64_t>(dim.value, 0)), kNoPart);
      }
    }
    return found->second;
  }

  const Graph& graph_;
  std::map<ValueId, Parts> parts_;
};

}  // namespace tinyc
