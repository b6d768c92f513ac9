// Scan: a subgraph run once for each slice of its scanned inputs.
//
// Inputs of the node: states, scanned inputs, captures; the body takes states, one slice of each scanned input, and the
// captures, and gives states and values that are stacked. Each scanned input and stacked output has its axis and its
// direction.
#include "ops/infer_util.h"
#include "ops/subgraph.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"body", AttributeType::kGraph},
                                        {"num_scan_inputs", AttributeType::kInt},
                                        {"scan_input_axes", AttributeType::kInts},
                                        {"scan_input_directions", AttributeType::kInts},
                                        {"scan_output_axes", AttributeType::kInts},
                                        {"scan_output_directions", AttributeType::kInts}};

struct Signature {
  size_t states;
  size_t scanned;
  size_t stacked;
};

Signature signature_of(const Node& node) {
  const size_t own = node.inputs.size() - static_cast<size_t>(node.captures);
  const int64_t scanned = int_attr(node, "num_scan_inputs");
  if (scanned < 1 || scanned > static_cast<int64_t>(own)) {
    throw Error(ErrorKind::kModel, "attribute 'num_scan_inputs' is " + std::to_string(scanned));
  }
  const size_t states = own - static_cast<size_t>(scanned);
  if (node.outputs.size() < states) throw Error(ErrorKind::kModel, "has fewer outputs than states");
  return {states, static_cast<size_t>(scanned), node.outputs.size() - states};
}

// Element i of a list attribute with one entry per scanned input or stacked output; 0 when the list is absent.
int64_t entry(const Node& node, std::string_view name, size_t i, size_t count) {
  const auto list = ints_attr(node, name);
  if (list.empty()) return 0;
  if (list.size() != count) {
    throw Error(ErrorKind::kModel, "attribute '" + std::string(name) + "' has " + std::to_string(list.size()) +
                                       " entries, expected " + std::to_string(count));
  }
  return list[i];
}

void infer(InferContext& c) {
  const Node& node = c.node();
  const Graph& body = required_graph(node, "body");
  const Signature signature = signature_of(node);
  require_signature(body, node.inputs.size(), node.outputs.size());
  std::vector<SubgraphInput> inputs;
  for (int i = 0; i < c.input_count(); ++i) {
    if (!c.has_input(i)) c.fail_input(i, "is missing");
    inputs.push_back(subgraph_input(c, i));
  }
  Dim length;
  for (size_t i = 0; i < signature.scanned; ++i) {
    SubgraphInput& input = inputs[signature.states + i];
    input.value.reset();
    if (!input.type.shape.ranked()) continue;
    std::vector<Dim> dims = input.type.shape.dims();
    const int axis = normalize_axis(entry(node, "scan_input_axes", i, signature.scanned), input.type.shape.rank());
    length = merge(length, dims[static_cast<size_t>(axis)]);
    dims.erase(dims.begin() + axis);
    input.type.shape = Shape(std::move(dims));
  }
  const std::vector<TensorType> types = infer_body(body, std::move(inputs), {0, 0, signature.states});
  for (size_t i = 0; i < types.size(); ++i) {
    Shape shape = types[i].shape;
    if (i >= signature.states && shape.ranked()) {
      const size_t at = i - signature.states;
      std::vector<Dim> dims = shape.dims();
      const int axis = normalize_axis(entry(node, "scan_output_axes", at, signature.stacked), shape.rank() + 1);
      dims.insert(dims.begin() + axis, length);
      shape = Shape(std::move(dims));
    }
    c.set_output(static_cast<int>(i), types[i].dtype, std::move(shape));
  }
}

void eval(EvalContext& c) {
  const Node& node = c.node();
  const Graph& body = required_graph(node, "body");
  const auto [states, scanned, stacked] = signature_of(node);
  std::vector<Tensor> inputs;
  for (int i = 0; i < c.input_count(); ++i) inputs.push_back(c.input(i));
  const std::vector<Tensor> whole(inputs.begin() + static_cast<std::ptrdiff_t>(states),
                                  inputs.begin() + static_cast<std::ptrdiff_t>(states + scanned));
  std::vector<int> axes;
  for (size_t i = 0; i < scanned; ++i) {
    axes.push_back(normalize_axis(entry(node, "scan_input_axes", i, scanned), whole[i].rank()));
  }
  const int64_t length = whole[0].dims()[static_cast<size_t>(axes[0])];
  std::vector<std::vector<Tensor>> kept(stacked);
  for (int64_t at = 0; at < length; ++at) {
    for (size_t i = 0; i < scanned; ++i) {
      const bool backwards = entry(node, "scan_input_directions", i, scanned) != 0;
      inputs[states + i] = slice_at(whole[i], axes[i], backwards ? length - 1 - at : at);
    }
    std::vector<Tensor> results = c.run_subgraph(body, inputs);
    for (size_t i = 0; i < states; ++i) inputs[i] = std::move(results[i]);
    for (size_t i = 0; i < stacked; ++i) kept[i].push_back(std::move(results[states + i]));
  }
  for (size_t i = 0; i < states; ++i) c.set_output(static_cast<int>(i), inputs[i]);
  for (size_t i = 0; i < stacked; ++i) {
    const TensorType slice = kept[i].empty() ? body[body.outputs[states + i]].type : kept[i][0].type();
    const int axis = normalize_axis(entry(node, "scan_output_axes", i, stacked), slice.shape.rank() + 1);
    const bool backwards = entry(node, "scan_output_directions", i, stacked) != 0;
    c.set_output(static_cast<int>(states + i),
                 kept[i].empty() ? empty_stack(slice, axis) : stack(kept[i], axis, backwards));
  }
}

}  // namespace

extern const OpDef k_scan{
    .name = "Scan",
    .inputs = {1, kMany},
    .outputs = {1, kMany},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = "control flow: its body is kept in float"},
};

}  // namespace tinyc
