// Images lie channels-last on a device, but a Flatten counts channels first: its reader's weights take the difference.
//
// Flatten(x [1, C, H, W]) -> Gemm becomes Flatten(Transpose(x to [1, H, W, C])) -> Gemm with the inputs of its constant
// weights in the same new order: the same products, summed in another order, which integers do not feel. The Transpose
// then names bytes that already lie so, and nothing is moved at run time. MatMul likewise.
#include <algorithm>

#include "code/builder.h"
#include "tinyc/ops/infer.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

// The axis of the weights that counts inputs; -1 where the node is no product with constant weights of its own.
int input_axis(const Graph& graph, const Uses& uses, const Node& node, ValueId data) {
  if (node.op == nullptr || node.inputs.size() < 2 || node.inputs[0] != data) return -1;
  const Value& weights = graph[node.inputs[1]];
  const bool fits = weights.constant && weights.constant->rank() == 2 && bits_of(weights.constant->dtype()) % 8 == 0;
  if (!fits || uses.consumers_of(node.inputs[1]).size() != 1) return -1;
  if (node.op->name == "MatMul") return 0;
  if (node.op->name != "Gemm" || int_attr(node, "transA") != 0) return -1;
  return int_attr(node, "transB") != 0 ? 1 : 0;
}

// Input c * positions + p becomes input p * channels + c.
Tensor reordered(const Tensor& weights, int axis, int64_t channels) {
  const Dims& dims = weights.dims();
  const int64_t inputs = dims[static_cast<size_t>(axis)];
  const int64_t positions = inputs / channels;
  const int64_t outer = axis == 0 ? 1 : dims[0];
  const auto bytes = static_cast<int64_t>(weights.byte_size()) / (outer * inputs);  // of one input and what is inside
  Tensor result = Tensor::zeros(weights.dtype(), dims);
  std::byte* to = result.mutable_bytes();
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inputs; ++i) {
      const int64_t source = i % channels * positions + i / channels;
      std::copy_n(weights.bytes() + (o * inputs + source) * bytes, bytes, to + (o * inputs + i) * bytes);
    }
  }
  return result;
}

bool is_flatten(const Graph& graph, const Uses& uses, const Node& node) {
  if (node.op == nullptr || (node.op->name != "Flatten" && node.op->name != "Reshape")) return false;
  const Shape& from = graph[node.inputs[0]].type.shape;
  const Shape& to = graph[node.outputs[0]].type.shape;
  if (from.rank() != 4 || to.rank() != 2 || from[0].value != 1 || to[0].value != 1) return false;
  if (from[1].value == 1 || from[2].value * from[3].value == 1) return false;  // the same bytes either way
  const NodeId producer = uses.producer_of(node.inputs[0]);
  if (producer == kNoNode || graph[producer].op == nullptr) return false;
  return !graph[producer].op->is_view && graph[producer].op->name != "Transpose" &&
         uses.has_single_reader(node.outputs[0]);
}

}  // namespace

void absorb_flatten(Graph& graph) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Uses uses(graph);
    const Node& flatten = graph.nodes[i];
    if (!is_flatten(graph, uses, flatten)) continue;
    const Node& reader = graph[uses.consumers_of(flatten.outputs[0])[0]];
    const int axis = input_axis(graph, uses, reader, flatten.outputs[0]);
    if (axis < 0) continue;
    const Value& image = graph[flatten.inputs[0]];
    const Shape& shape = image.type.shape;
    Value& weights = graph[reader.inputs[1]];
    weights.constant = reordered(*weights.constant, axis, shape[1].value);
    Value turned = image;
    turned.name = graph.unique_name(image.name + "_channels_last");
    turned.type.shape = {shape[0], shape[2], shape[3], shape[1]};
    Node transpose;
    transpose.op = find_op("", "Transpose");
    transpose.name = turned.name;
    transpose.attributes["perm"] = std::vector<int64_t>{0, 2, 3, 1};
    transpose.inputs = {flatten.inputs[0]};
    transpose.outputs = {graph.add_value(std::move(turned))};
    graph.nodes[i].inputs[0] = transpose.outputs[0];
    graph.nodes.insert(graph.nodes.begin() + static_cast<std::ptrdiff_t>(i), std::move(transpose));
    ++i;
  }
}

}  // namespace tinyc
