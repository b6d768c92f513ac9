// Running one op on tensors: as a model of a single node, through inference and the evaluator.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tinyc/eval/program.h"
#include "tinyc/ops/op.h"

namespace tinyc {

// An undefined tensor stands for an optional operand that is left out.
inline std::vector<Tensor> run_op(std::string_view name, const std::vector<Tensor>& operands,
                                  AttributeList attributes = {}, size_t outputs = 1, std::string_view domain = "") {
  Graph graph;
  Node node;
  node.op = find_op(domain, name);
  TINYC_CHECK(node.op != nullptr);
  node.name = "node";
  node.attributes = std::move(attributes);
  const auto add_value = [&](std::string value_name, TensorType type) {
    Value value;
    value.name = std::move(value_name);
    value.type = std::move(type);
    return graph.add_value(std::move(value));
  };
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i].defined()) {
      node.inputs.push_back(kNoValue);
      continue;
    }
    node.inputs.push_back(add_value("x" + std::to_string(i), operands[i].type()));
    graph.inputs.push_back(node.inputs.back());
    inputs.push_back(operands[i]);
  }
  for (size_t i = 0; i < outputs; ++i) {
    node.outputs.push_back(add_value("y" + std::to_string(i), {}));
    graph.outputs.push_back(node.outputs.back());
  }
  graph.nodes.push_back(std::move(node));
  Workspace workspace;
  return Program(graph).run(inputs, workspace);
}

inline Tensor bools(Dims dims, std::initializer_list<bool> values) {
  return Tensor::of<bool>(std::move(dims), std::span<const bool>(values.begin(), values.size()));
}

template <typename T>
std::vector<T> elements(const Tensor& tensor) {
  const auto data = tensor.data<T>();
  return {data.begin(), data.end()};
}

}  // namespace tinyc
