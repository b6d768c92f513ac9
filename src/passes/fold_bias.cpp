// fold-bias: an Add of one constant per output channel behind a Conv becomes that Conv's bias; behind a MatMul of rank
// 2 with a constant weight, the pair becomes a Gemm. Integer runtimes fuse the bias of a Conv or Gemm into its
// accumulator; an Add of its own would be one more rounding.
//   Conv(x, W) + b[1,o,1,1] = Conv(x, W, b)          MatMul(x, W) + b[n] = Gemm(x, W, b)
#include <algorithm>

#include "tinyc/ops/op.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"

namespace tinyc {
namespace {

// The addend as one number per channel, where channels are `channel_axis` of a result of rank `rank`.
std::optional<std::vector<float>> per_channel(const Tensor& addend, int rank, int channel_axis, int64_t channels) {
  if (addend.dtype() != DataType::kFloat || addend.rank() > rank) return std::nullopt;
  if (addend.size() == 1) return std::vector<float>(static_cast<size_t>(channels), addend.data<float>()[0]);
  const int axis = channel_axis - (rank - addend.rank());
  if (axis < 0 || addend.size() != channels || addend.dims()[static_cast<size_t>(axis)] != channels)
    return std::nullopt;
  return addend.to_float();
}

bool fold_into(Graph& graph, NodeId layer_id, const Tensor& addend) {
  const Node& layer = graph[layer_id];
  const Tensor* weight = plain_constant(graph, layer, 1);
  const Shape& shape = graph[layer.outputs[0]].type.shape;
  if (weight == nullptr || weight->dtype() != DataType::kFloat || !shape.ranked()) return false;
  const bool conv = is_op(layer, "Conv");
  const bool matmul = is_op(layer, "MatMul") && shape.rank() == 2 && weight->rank() == 2;
  if (!conv && !matmul) return false;
  const int64_t channels = weight->dims()[conv ? 0 : 1];
  auto bias = per_channel(addend, shape.rank(), 1, channels);
  if (!bias) return false;
  std::string name = layer.name + "_bias";
  if (operand(layer, 2) != kNoValue) {
    const Tensor* old = plain_constant(graph, layer, 2);
    if (old == nullptr || old->size() != channels) return false;
    name = graph[operand(layer, 2)].name;
    const auto values = old->data<float>();
    std::transform(bias->begin(), bias->end(), values.begin(), bias->begin(), std::plus<>());
  }
  set_operand(graph, layer_id, 2, name, Tensor::of<float>({channels}, *bias));
  if (matmul) graph[layer_id].op = find_op("", "Gemm");
  return true;
}

bool run(Graph& graph, PassContext& context) {
  bool changed = false;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!is_op(graph.nodes[i], "Add")) continue;
    const Uses uses(graph);
    for (int side = 0; side < 2; ++side) {
      const ValueId input = operand(graph.nodes[i], side);
      const Tensor* addend = plain_constant(graph, graph.nodes[i], 1 - side);
      const NodeId layer = uses.producer_of(input);
      if (addend == nullptr || layer == kNoNode || only_reader(uses, input) != NodeId(i)) continue;
      const bool same_shape = graph[input].type.shape == graph[graph.nodes[i].outputs[0]].type.shape;
      if (!same_shape || !fold_into(graph, layer, *addend)) continue;
      bypass(graph, uses, NodeId(i), input);
      context.count("folded");
      changed = true;
      break;
    }
  }
  if (changed) remove_dead(graph);
  return changed;
}

}  // namespace

extern constexpr PassDef k_fold_bias = make_pass<run>(
    "fold-bias", "turn an Add of one constant per channel into the layer's bias", Contract::kRounding, Stage::kRewrite);

}  // namespace tinyc
