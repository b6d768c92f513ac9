#include "tinyc/eval/evaluate_node.h"

#include "tinyc/base/error.h"
#include "tinyc/eval/program.h"
#include "tinyc/ops/infer.h"

namespace tinyc {
namespace {

// Tensors for outputs whose dims inference knows; the others the kernel sets itself.
std::vector<Tensor> allocate_outputs(const Graph& graph, const Node& node, std::span<const Tensor> inputs) {
  std::vector<InferContext::Known> known;
  for (const Tensor& tensor : inputs) known.push_back({tensor.type(), tensor.defined() ? &tensor : nullptr, {}});
  std::vector<Tensor> outputs;
  for (const InferContext::Known& output : infer_node(graph, node, std::move(known))) {
    const std::optional<Dims> dims = output.type.shape.known_dims();
    outputs.push_back(dims && bits_of(output.type.dtype) != 0 ? Tensor::zeros(output.type.dtype, *dims) : Tensor());
  }
  return outputs;
}

}  // namespace

std::vector<Tensor> evaluate_node(const Graph& graph, const Node& node, std::span<const Tensor> inputs) {
  if (node.op == nullptr) {
    throw Error(ErrorKind::kModel, describe(node) + ": tinyc cannot run this op",
                "it can be kept in a compressed model, but not calibrated through or evaluated");
  }
  std::vector<Tensor> outputs = allocate_outputs(graph, node, inputs);
  std::vector<std::byte> scratch;
  const EvalContext::RunSubgraph run_subgraph = [](const Graph& subgraph, std::span<const Tensor> subgraph_inputs) {
    Workspace workspace;
    return Program(subgraph).run(subgraph_inputs, workspace);
  };
  with_context([&] { return describe(node); },
               [&] {
                 EvalContext context(node, inputs, outputs, scratch, run_subgraph);
                 node.op->eval(context);
               });
  return outputs;
}

}  // namespace tinyc
