#include "tinyc/eval/remainder.h"

#include <algorithm>

#include "tinyc/ir/shape.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

// By node: whether it stands at `first` or later and an output needs it.
std::vector<bool> needed_nodes(const Graph& graph, NodeId first, std::span<const ValueId> outputs) {
  std::vector<bool> wanted(graph.values.size(), false);
  for (ValueId id : outputs) wanted[index_of(id)] = true;
  std::vector<bool> needed(graph.nodes.size(), false);
  for (size_t i = graph.nodes.size(); i-- > index_of(first);) {
    for (ValueId id : graph.nodes[i].outputs) needed[i] = needed[i] || (id != kNoValue && wanted[index_of(id)]);
    if (!needed[i]) continue;
    for (ValueId id : graph.nodes[i].inputs) {
      if (id != kNoValue) wanted[index_of(id)] = true;
    }
  }
  return needed;
}

// An element takes its time too: it is written, clamped and rounded.
constexpr int64_t kWorkOfElement = 8;

TensorType sized_type(const Graph& graph, ValueId id) {
  if (id == kNoValue) return {};
  TensorType type = graph[id].type;
  if (!type.shape.ranked()) return type;
  Dims dims;
  for (int i = 0; i < type.shape.rank(); ++i) dims.push_back(type.shape[i].known() ? type.shape[i].value : 1);
  type.shape = Shape(dims);
  return type;
}

int64_t work_of(const Graph& graph, const Node& node) {
  std::vector<TensorType> inputs, outputs;
  for (ValueId id : node.inputs) inputs.push_back(sized_type(graph, id));
  for (ValueId id : node.outputs) outputs.push_back(sized_type(graph, id));
  const auto sized = [](const TensorType& type) { return type.dtype == DataType::kUndefined || type.shape.known(); };
  int64_t work = 0;
  for (const TensorType& type : outputs) {
    if (type.shape.known()) work += kWorkOfElement * element_count(*type.shape.known_dims());
  }
  const bool known =
      std::all_of(inputs.begin(), inputs.end(), sized) && std::all_of(outputs.begin(), outputs.end(), sized);
  if (known && node.op != nullptr && node.op->macs != nullptr) work += node.op->macs(node, inputs, outputs);
  return work;
}

class Copier {
 public:
  explicit Copier(const Graph& graph) : graph_(graph) {
    part_.graph.opsets = graph.opsets;
    part_.values.assign(graph.values.size(), kNoValue);
  }

  // The value's copy; a value that is neither copied yet nor a constant becomes an input.
  ValueId read(ValueId id) {
    if (id == kNoValue || part_.values[index_of(id)] != kNoValue || graph_[id].constant) return place(id);
    part_.inputs.push_back(id);
    part_.graph.inputs.push_back(place(id));
    part_.graph[part_.graph.inputs.back()].type.shape = Shape::unranked();
    return part_.graph.inputs.back();
  }

  void add(const Node& node) {
    part_.work += work_of(graph_, node);
    Node copy = node;
    for (ValueId& id : copy.inputs) id = read(id);
    for (ValueId& id : copy.outputs) id = place(id);
    part_.graph.nodes.push_back(std::move(copy));
  }

  Remainder finish(std::span<const ValueId> outputs) {
    for (ValueId id : outputs) part_.graph.outputs.push_back(read(id));
    return std::move(part_);
  }

 private:
  ValueId place(ValueId id) {
    if (id == kNoValue) return kNoValue;
    ValueId& copy = part_.values[index_of(id)];
    if (copy == kNoValue) copy = part_.graph.add_value(graph_[id]);
    return copy;
  }

  const Graph& graph_;
  Remainder part_;
};

}  // namespace

Remainder remainder_of(const Graph& graph, NodeId first, std::span<const ValueId> outputs) {
  const std::vector<bool> needed = needed_nodes(graph, first, outputs);
  Copier copier(graph);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (needed[i]) copier.add(graph.nodes[i]);
  }
  return copier.finish(outputs);
}

}  // namespace tinyc
