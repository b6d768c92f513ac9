// Where an op that moves elements takes them from: it is run on their numbers.
#pragma once

#include <optional>
#include <vector>

#include "quant/axis_index.h"
#include "tinyc/quant/slice_cuts.h"

namespace tinyc {

class MoveMap {
 public:
  static constexpr int32_t kNoSource = -1;  // a zero that the op puts in

  // None where the node is no move, or puts in numbers other than 0, or shapes are not known well enough.
  static std::optional<MoveMap> of(const Graph& graph, const Node& node);

  // Calls visit(operand, place in it) for each element of the data operands, in the order of their numbers.
  template <typename Visit>
  void for_each_source(const Visit& visit) const {
    for (size_t k = 0; k < operand_dims_.size(); ++k) {
      if (!is_data_[k]) continue;
      for_each_place(operand_dims_[k], [&](size_t /*element*/, const Dims& place) { visit(k, place); });
    }
  }
  size_t sources() const { return sources_; }
  // By element of a result: the number of the element that it is; empty for a result that is left out.
  const std::vector<int32_t>& source_of(size_t output) const { return source_of_[output]; }
  const Dims& output_dims(size_t output) const { return output_dims_[output]; }
  bool is_data(size_t operand) const { return is_data_[operand]; }

  // What the node says of sizes when its operands and results keep only these indices; none where it then does not
  // give what is kept of its results.
  std::optional<ResizedNode> resized(const Graph& graph, NodeId id, const std::vector<KeptIndices>& kept) const;

 private:
  std::vector<Tensor> operands(const Graph& graph, const Node& node) const;

  std::vector<bool> is_data_;       // by operand
  std::vector<Dims> operand_dims_;  // of data operands
  std::vector<Dims> output_dims_;   // open dims have a stand-in
  std::vector<std::vector<int32_t>> source_of_;
  size_t sources_ = 0;
};

}  // namespace tinyc
