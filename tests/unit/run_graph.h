// Running graphs, and finding things in them.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "tinyc/eval/program.h"
#include "tinyc/ir/graph.h"

namespace tinyc::testing {

inline std::vector<Tensor> run(const Graph& graph, Engine engine, const std::vector<Tensor>& inputs) {
  Program::Options options;
  options.engine = engine;
  Workspace workspace;
  return Program(graph, options).run(inputs, workspace);
}

inline std::vector<Tensor> run(const Graph& graph, const std::vector<Tensor>& inputs) {
  return run(graph, Engine::kFloat, inputs);
}

// By node, in order.
inline std::vector<std::string> ops_of(const Graph& graph) {
  std::vector<std::string> ops;
  for (const Node& node : graph.nodes) ops.push_back(op_name(node));
  return ops;
}

inline std::map<std::string, int> count_ops(const Graph& graph) {
  std::map<std::string, int> counts;
  for (const std::string& op : ops_of(graph)) ++counts[op];
  return counts;
}

inline const Value& value_named(const Graph& graph, const std::string& name) {
  for (const Value& value : graph.values) {
    if (value.name == name) return value;
  }
  throw std::runtime_error("no " + name);
}

inline Dims dims_of(const Graph& graph, const std::string& name) {
  return *value_named(graph, name).type.shape.known_dims();
}

inline const Tensor& constant_named(const Graph& graph, const std::string& name) {
  return *value_named(graph, name).constant;
}

}  // namespace tinyc::testing
