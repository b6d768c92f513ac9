// If: one of two subgraphs, chosen by a bool. The subgraphs have no inputs but what they capture, which follows the
// condition among the node's inputs.
//
// While the condition is not known, an output's type is what is true of both branches.
#include "ops/infer_util.h"
#include "ops/subgraph.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"then_branch", AttributeType::kGraph}, {"else_branch", AttributeType::kGraph}};

bool is_true(const Tensor& condition) {
  if (condition.dtype() != DataType::kBool || condition.size() != 1) {
    throw Error(ErrorKind::kModel, "the condition is " + to_string(condition.type()) + ", expected one bool");
  }
  return condition.data<bool>()[0];
}

const Graph& branch(const Node& node, bool condition) {
  return required_graph(node, condition ? "then_branch" : "else_branch");
}

std::vector<TensorType> infer_branch(InferContext& c, bool condition) {
  const Graph& graph = branch(c.node(), condition);
  std::vector<SubgraphInput> captures;
  for (int i = 1; i < c.input_count(); ++i) captures.push_back(subgraph_input(c, i));
  require_signature(graph, captures.size(), c.node().outputs.size());
  return infer_subgraph(graph, captures);
}

void infer(InferContext& c) {
  std::vector<TensorType> types;
  if (c.value(0) != nullptr) {
    types = infer_branch(c, is_true(*c.value(0)));
  } else {
    types = infer_branch(c, true);
    const std::vector<TensorType> others = infer_branch(c, false);
    for (size_t i = 0; i < types.size(); ++i) {
      if (types[i].dtype != others[i].dtype) types[i].dtype = DataType::kUndefined;
      types[i].shape = common_shape(types[i].shape, others[i].shape);
    }
  }
  for (int i = 0; i < c.output_count(); ++i) {
    TensorType& type = types[static_cast<size_t>(i)];
    c.set_output(i, type.dtype, std::move(type.shape));
  }
}

void eval(EvalContext& c) {
  std::vector<Tensor> captures;
  for (int i = 1; i < c.input_count(); ++i) captures.push_back(c.input(i));
  std::vector<Tensor> results = c.run_subgraph(branch(c.node(), is_true(c.input(0))), captures);
  for (int i = 0; i < c.output_count(); ++i) c.set_output(i, std::move(results[static_cast<size_t>(i)]));
}

}  // namespace

extern const OpDef k_if{
    .name = "If",
    .inputs = {1, 1},
    .outputs = {1, kMany},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = "control flow: its branches are kept in float"},
};

}  // namespace tinyc
