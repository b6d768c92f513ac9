// Counting a model: parameters, MACs, bytes of weights, and the most bytes of activations alive at once.
//
// Memory: an activation lives from the node that makes it (inputs: from the start) to its last reader (outputs: to the
// end); a node needs its operands and its outputs side by side. An op that only renames dims shares its operand's
// bytes. This is what a runtime needs that frees at the last read and computes nothing in place. Cost: O(nodes +
// values).
#include "tinyc/driver/inspect.h"

#include <algorithm>
#include <optional>

#include "tinyc/base/error.h"
#include "tinyc/driver/recipe.h"
#include "tinyc/ops/infer.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

// Open dims become `size`, but the first, which is the batch, becomes 1; returns how they were called.
std::vector<std::string> close_dims(Graph& graph, int64_t size) {
  std::vector<std::string> names;
  for (ValueId id : graph.inputs) {
    Value& value = graph[id];
    for (int i = 0; i < value.type.shape.rank(); ++i) {
      Dim& dim = value.type.shape[i];
      if (dim.known()) continue;
      std::string name = dim.symbol.empty() ? value.name + ":" + std::to_string(i) : dim.symbol;
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      dim = Dim(name == names.front() ? 1 : size);
    }
  }
  return names;
}

// The graph with its open dims closed by the smallest size that its nodes accept: many models take any length, but none
// below their windows.
Graph close_graph(const Graph& given, ModelSummary& summary) {
  for (const int64_t size : {1, 16, 64, 256, 512, 1024, 4096, 16000}) {
    Graph graph = given;
    summary.open_dims = close_dims(graph, size);
    summary.open_dim_size = size;
    try {
      infer_types(graph);
      return graph;
    } catch (const Error&) {
      if (summary.open_dims.size() < 2) throw;
    }
  }
  Graph graph = given;
  close_dims(graph, 1);
  infer_types(graph);
  return graph;
}

bool is_weight(const Value& value) {
  return value.constant && (is_floating(value.type.dtype) || value.quant);
}

int64_t stored_bytes(const Value& value) {
  if (value.constant) return static_cast<int64_t>(value.constant->byte_size());
  const std::optional<Dims> dims = value.type.shape.known_dims();
  if (!dims) return -1;
  const auto* params = linear_params(value);
  const DataType dtype = params != nullptr ? params->storage : value.type.dtype;
  return bits_of(dtype) == 0 ? -1 : byte_count(dtype, *dims);
}

// MACs of one node; of control flow those of its costliest branch (a loop body counts once).
int64_t count_macs(const Graph& graph, const Node& node);

int64_t count_macs(const Graph& graph) {
  int64_t total = 0;
  for (const Node& node : graph.nodes) total += count_macs(graph, node);
  return total;
}

int64_t count_body_macs(const Graph& outer, const Node& node, Graph body) {
  const size_t captures = static_cast<size_t>(node.captures);
  for (size_t i = 0; i < captures; ++i) {
    const Value& captured = outer[node.inputs[node.inputs.size() - captures + i]];
    body[body.inputs[body.inputs.size() - captures + i]].type = captured.type;
  }
  infer_types(body);
  return count_macs(body);
}

int64_t count_macs(const Graph& graph, const Node& node) {
  int64_t most = 0;
  for (const auto& [name, attribute] : node.attributes) {
    const auto* body = std::get_if<std::shared_ptr<const Graph>>(&attribute);
    if (body != nullptr && *body != nullptr) most = std::max(most, count_body_macs(graph, node, **body));
  }
  if (node.op == nullptr || node.op->macs == nullptr) return most;
  const auto types_of = [&](const std::vector<ValueId>& ids) {
    std::vector<TensorType> types;
    for (ValueId id : ids) types.push_back(id == kNoValue ? TensorType() : graph[id].type);
    return types;
  };
  const std::vector<TensorType> inputs = types_of(node.inputs);
  const std::vector<TensorType> outputs = types_of(node.outputs);
  const auto sized = [](const TensorType& type) { return type.dtype == DataType::kUndefined || type.shape.known(); };
  const bool known =
      std::all_of(inputs.begin(), inputs.end(), sized) && std::all_of(outputs.begin(), outputs.end(), sized);
  return known ? most + node.op->macs(node, inputs, outputs) : most;
}

// By value: the value whose bytes it shares (itself, unless it is a view).
std::vector<ValueId> find_roots(const Graph& graph) {
  std::vector<ValueId> roots(graph.values.size());
  for (size_t i = 0; i < roots.size(); ++i) roots[i] = ValueId(i);
  for (const Node& node : graph.nodes) {
    if (node.op == nullptr || !node.op->is_view || node.outputs[0] == kNoValue || graph[node.inputs[0]].constant)
      continue;
    roots[index_of(node.outputs[0])] = roots[index_of(node.inputs[0])];
  }
  return roots;
}

// Fills live_bytes of the layers, the peak and its layer.
void measure_memory(const Graph& graph, ModelSummary& summary) {
  const std::vector<ValueId> roots = find_roots(graph);
  std::vector<size_t> last_read(graph.values.size(), 0);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (ValueId id : graph.nodes[i].inputs) {
      if (id != kNoValue) last_read[index_of(roots[index_of(id)])] = i;
    }
  }
  for (ValueId id : graph.outputs) last_read[index_of(roots[index_of(id)])] = graph.nodes.size();

  std::vector<int64_t> alive(graph.values.size(), 0);
  int64_t live = 0;
  const auto make = [&](ValueId id) {
    if (id == kNoValue || graph[id].constant || roots[index_of(id)] != id) return;
    const int64_t bytes = stored_bytes(graph[id]);
    summary.unsized_values += bytes < 0 ? 1 : 0;
    alive[index_of(id)] = std::max<int64_t>(bytes, 0);
    live += alive[index_of(id)];
  };
  const auto drop_after = [&](ValueId id, size_t step) {
    if (id == kNoValue) return;
    const size_t root = index_of(roots[index_of(id)]);
    if (last_read[root] > step) return;
    live -= alive[root];
    alive[root] = 0;
  };
  for (ValueId id : graph.inputs) make(id);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    for (ValueId id : node.outputs) make(id);
    summary.layers[i].live_bytes = live;
    if (live > summary.peak_activation_bytes) {
      summary.peak_activation_bytes = live;
      summary.peak_layer = node.name;
    }
    for (ValueId id : node.inputs) drop_after(id, i);
    for (ValueId id : node.outputs) drop_after(id, i);
  }
}

// Judged after the rewrites that a compression starts with: a folded BatchNormalization is no float node.
std::vector<FloatNode> find_float_nodes(Graph graph) {
  const Recipe recipe = make_recipe();
  PassContext context;
  run_passes(graph, stage_steps(recipe, Stage::kRewrite), context);
  return plan_storage(graph, recipe.quantization).float_nodes;
}

}  // namespace

ModelSummary summarize(const Graph& given) {
  ModelSummary summary;
  summary.name = given.name;
  for (ValueId id : given.inputs) summary.inputs.emplace_back(given[id].name, to_string(given[id].type));
  Graph graph = close_graph(given, summary);
  for (ValueId id : graph.outputs) summary.outputs.emplace_back(graph[id].name, to_string(given[id].type));

  std::vector<bool> counted(graph.values.size(), false);
  for (const Node& node : graph.nodes) {
    LayerSummary layer;
    layer.name = node.name;
    layer.op = op_name(node);
    if (!node.outputs.empty() && node.outputs[0] != kNoValue) layer.output = to_string(graph[node.outputs[0]].type);
    layer.macs = count_macs(graph, node);
    for (ValueId id : node.inputs) {
      if (id == kNoValue || counted[index_of(id)] || !is_weight(graph[id])) continue;
      counted[index_of(id)] = true;
      layer.params += graph[id].constant->size();
      layer.weight_bytes += stored_bytes(graph[id]);
    }
    summary.params += layer.params;
    summary.macs += layer.macs;
    summary.weight_bytes += layer.weight_bytes;
    ++summary.ops[layer.op];
    summary.layers.push_back(std::move(layer));
  }
  measure_memory(graph, summary);
  summary.float_nodes = find_float_nodes(std::move(graph));
  return summary;
}

}  // namespace tinyc
