#include "tinyc/eval/program.h"

#include <algorithm>

#include "tinyc/base/error.h"
#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/infer.h"

namespace tinyc {

struct Workspace::Impl {
  std::vector<std::byte> scratch;
};

Workspace::Workspace() : impl(std::make_unique<Impl>()) {}
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;

struct Program::Impl {
  Graph graph;
  Options options;
  std::vector<Tensor> constants;                 // by value; what the engine computes with
  std::vector<bool> observed;                    // by value
  std::vector<std::vector<ValueId>> last_reads;  // by node: values nobody reads afterwards

  const QParams* params_of(ValueId id) const {
    if (options.engine != Engine::kSimulated || !graph[id].quant) return nullptr;
    return std::get_if<QParams>(&*graph[id].quant);
  }
};

namespace {

// The floats that a constant stands for, rounded to its grid where the engine asks for it.
Tensor computed_constant(const Value& value, Engine engine) {
  const auto* params = value.quant ? std::get_if<QParams>(&*value.quant) : nullptr;
  if (params == nullptr) return *value.constant;
  if (value.constant->dtype() != value.type.dtype) return dequantize(*value.constant, *params);
  if (engine == Engine::kFloat) return *value.constant;
  return dequantize(quantize(*value.constant, *params), *params);
}

std::vector<std::vector<ValueId>> find_last_reads(const Graph& graph) {
  std::vector<std::vector<ValueId>> last(graph.nodes.size());
  std::vector<bool> seen(graph.values.size(), false);
  for (ValueId id : graph.outputs) seen[index_of(id)] = true;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    for (ValueId id : graph.nodes[i].inputs) {
      if (id == kNoValue || seen[index_of(id)]) continue;
      seen[index_of(id)] = true;
      last[i].push_back(id);
    }
  }
  return last;
}

void check_inputs(const Graph& graph, std::span<const Tensor> inputs) {
  TINYC_CHECK(inputs.size() == graph.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Value& value = graph[graph.inputs[i]];
    const Shape& shape = value.type.shape;
    bool fits = inputs[i].dtype() == value.type.dtype && (!shape.ranked() || shape.rank() == inputs[i].rank());
    for (int d = 0; fits && shape.ranked() && d < shape.rank(); ++d) {
      fits = !shape[d].known() || shape[d].value == inputs[i].dims()[static_cast<size_t>(d)];
    }
    if (!fits) {
      throw Error(ErrorKind::kUsage, "input '" + value.name + "' is " + to_string(value.type) + " but was given " +
                                         to_string(inputs[i].type()));
    }
  }
}

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

Program::Program(const Graph& graph, Options options) : impl_(std::make_unique<Impl>()) {
  impl_->graph = graph;
  impl_->observed.assign(graph.values.size(), false);
  for (ValueId id : options.observed) impl_->observed[index_of(id)] = true;
  for (const Value& value : graph.values) {
    impl_->constants.push_back(value.constant ? computed_constant(value, options.engine) : Tensor());
  }
  impl_->last_reads = find_last_reads(graph);
  impl_->options = std::move(options);
}

Program::~Program() = default;
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;

const Graph& Program::graph() const {
  return impl_->graph;
}

std::vector<Tensor> Program::run(std::span<const Tensor> inputs, Workspace& workspace, const Observer& observer) const {
  const Graph& graph = impl_->graph;
  check_inputs(graph, inputs);
  std::vector<Tensor> values = impl_->constants;
  const auto finish = [&](ValueId id, Tensor tensor, bool shared) {
    if (const QParams* params = impl_->params_of(id)) {
      if (shared) tensor = Tensor::of<float>(tensor.dims(), tensor.data<float>());
      round_to_grid(tensor.mutable_data<float>(), tensor.dims(), *params);
    }
    if (observer && impl_->observed[index_of(id)]) observer(id, tensor);
    values[index_of(id)] = std::move(tensor);
  };
  for (size_t i = 0; i < inputs.size(); ++i) finish(graph.inputs[i], inputs[i], true);

  const EvalContext::RunSubgraph run_subgraph = [](const Graph& subgraph, std::span<const Tensor> subgraph_inputs) {
    Workspace inner;
    return Program(subgraph).run(subgraph_inputs, inner);
  };
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.op == nullptr) {
      throw Error(ErrorKind::kModel, describe(node) + ": tinyc cannot run this op",
                  "it can be kept in a compressed model, but not calibrated through or evaluated");
    }
    std::vector<Tensor> operands;
    for (ValueId id : node.inputs) operands.push_back(id == kNoValue ? Tensor() : values[index_of(id)]);
    std::vector<Tensor> outputs = allocate_outputs(graph, node, operands);
    with_context([&] { return describe(node); },
                 [&] {
                   EvalContext context(node, operands, outputs, workspace.impl->scratch, run_subgraph);
                   node.op->eval(context);
                 });
    operands.clear();
    for (ValueId id : impl_->last_reads[i]) values[index_of(id)] = Tensor();
    for (size_t k = 0; k < outputs.size(); ++k) {
      if (node.outputs[k] != kNoValue) finish(node.outputs[k], std::move(outputs[k]), node.op->is_view);
    }
  }
  std::vector<Tensor> results;
  for (ValueId id : graph.outputs) results.push_back(values[index_of(id)]);
  return results;
}

}  // namespace tinyc
