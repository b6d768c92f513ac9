// Loop: a subgraph run again and again, a given number of times, while a condition holds, or both.
//
// Inputs of the node: trip count, condition (either may be left out), states, captures. Inputs of the body: iteration,
// condition, states, captures; its outputs: condition, states, then values of which one is kept from each iteration and
// which the node gives stacked along a new first axis.
#include "ops/subgraph.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"body", AttributeType::kGraph}};
constexpr int kOwnInputs = 2;
constexpr int64_t kMostIterations = 10'000'000;  // a model that wants more is taken for one that never ends

size_t state_count(const Node& node) {
  const size_t own = node.inputs.size() - static_cast<size_t>(node.captures);
  if (own < kOwnInputs) throw Error(ErrorKind::kModel, "has " + std::to_string(own) + " inputs, expected 2 or more");
  return own - kOwnInputs;
}

void infer(InferContext& c) {
  const Graph& body = required_graph(c.node(), "body");
  const size_t states = state_count(c.node());
  require_signature(body, c.node().inputs.size(), c.node().outputs.size() + 1);
  if (c.node().outputs.size() < states) throw Error(ErrorKind::kModel, "has fewer outputs than states");
  std::vector<SubgraphInput> inputs = {{{DataType::kInt64, {}}}, {{DataType::kBool, {}}}};
  for (int i = kOwnInputs; i < c.input_count(); ++i) {
    if (!c.has_input(i)) c.fail_input(i, "is missing");
    inputs.push_back(subgraph_input(c, i));
  }
  const std::vector<TensorType> types = infer_body(body, std::move(inputs), {kOwnInputs, 1, states});
  for (int i = 0; i < c.output_count(); ++i) {
    const TensorType& type = types[static_cast<size_t>(i) + 1];
    Shape shape = type.shape;
    if (static_cast<size_t>(i) >= states && shape.ranked()) {
      std::vector<Dim> dims = shape.dims();
      dims.insert(dims.begin(), Dim());
      shape = Shape(std::move(dims));
    }
    c.set_output(i, type.dtype, std::move(shape));
  }
}

bool holds(const Tensor& condition) {
  if (condition.dtype() != DataType::kBool || condition.size() != 1) {
    throw Error(ErrorKind::kModel, "the condition is " + to_string(condition.type()) + ", expected one bool");
  }
  return condition.data<bool>()[0];
}

int64_t trip_count(const EvalContext& c) {
  if (!c.has_input(0)) return std::numeric_limits<int64_t>::max();
  const auto trips = c.input(0).to_int64();
  if (trips.size() != 1)
    throw Error(ErrorKind::kModel, "the trip count has " + std::to_string(trips.size()) + " elements");
  return trips[0];
}

void eval(EvalContext& c) {
  const Graph& body = required_graph(c.node(), "body");
  const size_t states = state_count(c.node());
  const int64_t trips = trip_count(c);
  std::vector<Tensor> inputs = {Tensor::scalar<int64_t>(0),
                                c.has_input(1) ? c.input(1).reshaped({}) : Tensor::scalar(true)};
  for (int i = kOwnInputs; i < c.input_count(); ++i) inputs.push_back(c.input(i));
  std::vector<std::vector<Tensor>> kept(c.node().outputs.size() - states);
  for (int64_t trip = 0; trip < trips && holds(inputs[1]); ++trip) {
    if (trip == kMostIterations) {
      throw Error(ErrorKind::kModel, "has run " + std::to_string(trip) + " times and does not end");
    }
    inputs[0] = Tensor::scalar(trip);
    std::vector<Tensor> results = c.run_subgraph(body, inputs);
    inputs[1] = results[0];
    for (size_t i = 0; i < states; ++i) inputs[kOwnInputs + i] = std::move(results[i + 1]);
    for (size_t i = 0; i < kept.size(); ++i) kept[i].push_back(std::move(results[i + 1 + states]));
  }
  for (size_t i = 0; i < states; ++i) c.set_output(static_cast<int>(i), inputs[kOwnInputs + i]);
  for (size_t i = 0; i < kept.size(); ++i) {
    const TensorType& declared = body[body.outputs[i + 1 + states]].type;
    c.set_output(static_cast<int>(i + states), kept[i].empty() ? empty_stack(declared, 0) : stack(kept[i], 0, false));
  }
}

}  // namespace

extern const OpDef k_loop{
    .name = "Loop",
    .inputs = {0, kMany},
    .outputs = {1, kMany},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = "control flow: its body is kept in float"},
};

}  // namespace tinyc
