#include "ops/subgraph.h"

#include "ops/infer_util.h"
#include "ops/movement.h"
#include "tinyc/ops/infer.h"

namespace tinyc {
namespace {

// The type of a state that is `before` at first and `after` one iteration; true of both.
TensorType widened(const TensorType& before, const TensorType& after) {
  if (after.dtype != before.dtype && after.dtype != DataType::kUndefined) {
    throw Error(ErrorKind::kModel,
                "a state is " + to_string(before) + " before an iteration and " + to_string(after) + " after it");
  }
  return {before.dtype, common_shape(before.shape, after.shape)};
}

}  // namespace

const Graph& required_graph(const Node& node, std::string_view name) {
  const auto& graph = graph_attr(node, name);
  if (graph == nullptr) throw Error(ErrorKind::kModel, "attribute '" + std::string(name) + "' is missing");
  return *graph;
}

SubgraphInput subgraph_input(const InferContext& c, int idx) {
  SubgraphInput input{c.input(idx)};
  if (const Tensor* value = c.value(idx)) {
    input.value = *value;
  } else if (const auto dims = shape_arithmetic(c, idx); dims && dims->known() && c.dtype(idx) == DataType::kInt64) {
    const auto shape = c.shape(idx).known_dims();
    if (shape) input.value = Tensor::of<int64_t>(*shape, *dims->known_dims());
  }
  return input;
}

void require_signature(const Graph& graph, size_t inputs, size_t outputs) {
  if (graph.inputs.size() == inputs && graph.outputs.size() == outputs) return;
  const auto text = [](size_t in, size_t out) {
    return std::to_string(in) + " inputs and " + std::to_string(out) + " outputs";
  };
  throw Error(ErrorKind::kModel, "subgraph '" + graph.name + "' has " +
                                     text(graph.inputs.size(), graph.outputs.size()) + ", expected " +
                                     text(inputs, outputs));
}

std::vector<TensorType> infer_subgraph(const Graph& graph, std::span<const SubgraphInput> inputs) {
  TINYC_CHECK(graph.inputs.size() == inputs.size());
  Graph copy = graph;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Value& value = copy[copy.inputs[i]];
    if (inputs[i].type.dtype != DataType::kUndefined) value.type = inputs[i].type;
    value.constant = inputs[i].value;
  }
  infer_types(copy);
  std::vector<TensorType> types;
  for (const ValueId id : copy.outputs) types.push_back(copy[id].type);
  return types;
}

std::vector<TensorType> infer_body(const Graph& body, std::vector<SubgraphInput> inputs, const States& states) {
  constexpr int kRounds = 8;
  for (size_t i = 0; i < states.count; ++i) inputs[states.first_input + i].value.reset();
  for (int round = 0;; ++round) {
    std::vector<TensorType> outputs = infer_subgraph(body, inputs);
    bool stable = true;
    for (size_t i = 0; i < states.count; ++i) {
      TensorType& state = inputs[states.first_input + i].type;
      TensorType both = widened(state, outputs[states.first_output + i]);
      if (round >= kRounds && both != state) both.shape = Shape::unranked();
      stable = stable && both == state;
      state = both;
      outputs[states.first_output + i] = std::move(both);
    }
    if (stable) return outputs;
  }
}

Tensor slice_at(const Tensor& tensor, int axis, int64_t at) {
  const size_t element = element_bytes(tensor.dtype());
  Dims dims = tensor.dims();
  Dims strides = strides_of(dims);
  const int64_t first = at * strides[static_cast<size_t>(axis)];
  dims.erase(dims.begin() + axis);
  strides.erase(strides.begin() + axis);
  Tensor slice = Tensor::zeros(tensor.dtype(), dims);
  copy_box(element, dims, {tensor.bytes() + static_cast<size_t>(first) * element, std::move(strides)},
           {slice.mutable_bytes(), strides_of(dims)});
  return slice;
}

Tensor stack(std::span<const Tensor> slices, int axis, bool reversed) {
  const Tensor& front = slices.front();
  const size_t element = element_bytes(front.dtype());
  const auto count = static_cast<int64_t>(slices.size());
  Dims dims = front.dims();
  dims.insert(dims.begin() + axis, count);
  Tensor stacked = Tensor::zeros(front.dtype(), dims);
  Dims strides = strides_of(dims);
  const int64_t step = strides[static_cast<size_t>(axis)];
  strides.erase(strides.begin() + axis);
  for (int64_t i = 0; i < count; ++i) {
    const Tensor& slice = slices[static_cast<size_t>(reversed ? count - 1 - i : i)];
    if (slice.type() != front.type()) {
      throw Error(ErrorKind::kModel, "iterations give " + to_string(front.type()) + " and " + to_string(slice.type()) +
                                         ", which do not stack");
    }
    copy_box(element, slice.dims(), {slice.bytes(), strides_of(slice.dims())},
             {stacked.mutable_bytes() + static_cast<size_t>(i * step) * element, strides});
  }
  return stacked;
}

Tensor empty_stack(const TensorType& slice, int axis) {
  Dims dims;
  for (const Dim& dim : slice.shape.dims()) dims.push_back(dim.known() ? dim.value : 0);
  dims.insert(dims.begin() + std::min(axis, static_cast<int>(dims.size())), 0);
  return Tensor::zeros(slice.dtype, std::move(dims));
}

}  // namespace tinyc
