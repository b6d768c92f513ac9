// Shape inference over a whole graph: one walk in execution order, each node by its op's infer function.
#include "tinyc/ops/infer.h"

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

using Known = InferContext::Known;

// Messages of ops speak of "input 1 ..."; the border adds the operand's name: "input 1 'w2' ...".
std::string name_operand(const Graph& graph, const Node& node, const std::string& message) {
  constexpr std::string_view kPrefix = "input ";
  if (!message.starts_with(kPrefix)) return message;
  size_t digits = 0;
  const size_t idx = std::stoul(message.substr(kPrefix.size()), &digits);
  if (idx >= node.inputs.size() || node.inputs[idx] == kNoValue) return message;
  const size_t split = kPrefix.size() + digits;
  return message.substr(0, split) + " '" + graph[node.inputs[idx]].name + "'" + message.substr(split);
}

void check_arity(const Node& node) {
  const auto check = [](const char* what, size_t count, Arity arity) {
    const int given = static_cast<int>(count);
    if (given >= arity.min && given <= arity.max) return;
    std::string expected = std::to_string(arity.min);
    if (arity.max == kMany) {
      expected += " or more";
    } else if (arity.max != arity.min) {
      expected += " to " + std::to_string(arity.max);
    }
    throw Error(ErrorKind::kModel, "has " + std::to_string(given) + " " + what + ", expected " + expected);
  };
  check("inputs", node.inputs.size() - static_cast<size_t>(node.captures), node.op->inputs);
  check("outputs", node.outputs.size(), node.op->outputs);
  for (int i = 0; i < node.op->inputs.min; ++i) {
    if (node.inputs[static_cast<size_t>(i)] == kNoValue) {
      throw Error(ErrorKind::kModel, "input " + std::to_string(i) + " is left out but required");
    }
  }
}

// What inference finds wins; the declared type fills the gaps.
TensorType merge(const TensorType& declared, const TensorType& inferred) {
  if (inferred.dtype == DataType::kUndefined) return declared;
  if (declared.dtype != inferred.dtype || !declared.shape.ranked()) return inferred;
  if (!inferred.shape.ranked()) return declared;
  TensorType merged = inferred;
  if (declared.shape.rank() != inferred.shape.rank()) return merged;
  for (int i = 0; i < merged.shape.rank(); ++i) {
    if (!merged.shape[i].known() && merged.shape[i].symbol.empty()) merged.shape[i] = declared.shape[i];
  }
  return merged;
}

}  // namespace

std::vector<Known> infer_node(const Graph& graph, const Node& node, std::vector<Known> inputs) {
  if (node.op == nullptr) return std::vector<Known>(node.outputs.size());
  try {
    check_arity(node);
    InferContext context(node, std::move(inputs));
    node.op->infer(context);
    return context.outputs();
  } catch (const Error& error) {
    Error named(error.kind(), name_operand(graph, node, error.what()), error.hint());
    named.add_context(describe(node));
    throw named;
  }
}

void infer_outputs(Graph& graph, const Node& node, std::vector<std::optional<Shape>>& dims) {
  dims.resize(graph.values.size());
  std::vector<Known> inputs;
  for (ValueId id : node.inputs) {
    if (id == kNoValue) {
      inputs.emplace_back();
      continue;
    }
    const Value& value = graph[id];
    const bool plain = value.constant && value.constant->dtype() == value.type.dtype;
    inputs.push_back({value.type, plain ? &*value.constant : nullptr, dims[index_of(id)]});
  }
  std::vector<Known> outputs = infer_node(graph, node, std::move(inputs));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    Value& value = graph[node.outputs[i]];
    value.type = merge(value.type, outputs[i].type);
    dims[index_of(node.outputs[i])] = std::move(outputs[i].dims);
  }
}

void infer_types(Graph& graph) {
  std::vector<std::optional<Shape>> dims;
  for (const Node& node : graph.nodes) infer_outputs(graph, node, dims);
}

}  // namespace tinyc
