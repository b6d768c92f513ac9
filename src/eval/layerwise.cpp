#include "tinyc/eval/layerwise.h"

#include <algorithm>

#include "tinyc/base/parallel.h"
#include "tinyc/ir/linear_quantization.h"

namespace tinyc {
namespace {

// The node alone: its computed operands are the graph's inputs, its raw results the outputs.
Graph single_node_graph(const Graph& graph, const Node& node) {
  Graph single;
  single.opsets = graph.opsets;
  Node copy = node;
  std::vector<ValueId> renamed(graph.values.size(), kNoValue);
  const auto take = [&](ValueId& id, bool computed_here) {
    if (id == kNoValue) return;
    ValueId& known = renamed[index_of(id)];
    if (known == kNoValue) {
      Value value = graph[id];
      if (!value.constant) value.quant.reset();
      known = single.add_value(std::move(value));
      if (computed_here) {
        single.outputs.push_back(known);
      } else if (!graph[id].constant) {
        single.inputs.push_back(known);
      }
    }
    id = known;
  };
  for (ValueId& id : copy.inputs) take(id, false);
  for (ValueId& id : copy.outputs) take(id, true);
  single.nodes.push_back(std::move(copy));
  // A result's dims may depend on data, and differ between samples.
  for (ValueId id : single.inputs) single[id].type.shape = Shape::unranked();
  return single;
}

}  // namespace

LayerwiseRun::LayerwiseRun(const Graph& graph, Engine engine, std::span<const Sample> samples, int threads)
    : engine_(engine),
      threads_(threads > 0 ? threads : hardware_threads()),
      values_(samples.size()),
      last_reads_(graph.nodes.size()) {
  std::vector<bool> read_later(graph.values.size(), false);
  for (ValueId id : graph.outputs) read_later[index_of(id)] = true;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    for (ValueId id : graph.nodes[i].inputs) {
      if (id == kNoValue || read_later[index_of(id)]) continue;
      read_later[index_of(id)] = true;
      last_reads_[i].push_back(id);
    }
  }
  for (size_t s = 0; s < samples.size(); ++s) {
    values_[s].resize(graph.values.size());
    for (size_t i = 0; i < graph.inputs.size(); ++i) {
      const Tensor& tensor = samples[s][i];
      const bool rounded = engine_ == Engine::kSimulated && graph[graph.inputs[i]].quant.has_value();
      keep(graph, s, graph.inputs[i], rounded ? Tensor::of<float>(tensor.dims(), tensor.data<float>()) : tensor);
    }
  }
}

std::vector<std::vector<Tensor>> LayerwiseRun::compute(const Graph& graph, NodeId id) const {
  const Node& node = graph[id];
  Program::Options options;
  options.engine = engine_;
  const Program program(single_node_graph(graph, node), options);
  std::vector<ValueId> operands;  // in the order of the single graph's inputs
  for (ValueId input : node.inputs) {
    const bool seen = std::find(operands.begin(), operands.end(), input) != operands.end();
    if (input != kNoValue && !graph[input].constant && !seen) operands.push_back(input);
  }
  std::vector<std::vector<Tensor>> results(values_.size());
  std::vector<Workspace> workspaces(static_cast<size_t>(std::max(threads_, 1)));
  parallel_for(static_cast<int64_t>(values_.size()), threads_, [&](int64_t sample, int thread) {
    std::vector<Tensor> inputs;
    for (ValueId operand : operands) inputs.push_back(value(static_cast<size_t>(sample), operand));
    results[static_cast<size_t>(sample)] = program.run(inputs, workspaces[static_cast<size_t>(thread)]);
  });
  return results;
}

void LayerwiseRun::store(const Graph& graph, NodeId id, std::vector<std::vector<Tensor>> results) {
  std::vector<ValueId> outputs;
  for (ValueId output : graph[id].outputs) {
    if (output != kNoValue) outputs.push_back(output);
  }
  parallel_for(static_cast<int64_t>(values_.size()), threads_, [&](int64_t idx, int /*thread*/) {
    const auto sample = static_cast<size_t>(idx);
    for (size_t i = 0; i < outputs.size(); ++i) keep(graph, sample, outputs[i], std::move(results[sample][i]));
    for (ValueId dead : last_reads_[index_of(id)]) values_[sample][index_of(dead)] = Tensor();
  });
}

void LayerwiseRun::keep(const Graph& graph, size_t sample, ValueId id, Tensor tensor) {
  const QParams* params = engine_ == Engine::kSimulated ? linear_params(graph[id]) : nullptr;
  if (params != nullptr) round_to_grid(tensor.mutable_data<float>(), tensor.dims(), *params);
  values_[sample][index_of(id)] = std::move(tensor);
}

}  // namespace tinyc
