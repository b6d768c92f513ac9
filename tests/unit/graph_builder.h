// Builds small graphs for tests, one line a node:
//   GraphBuilder b;
//   auto x = b.input("x", {1, 3, 8, 8});
//   auto y = b.node("Conv", {x, b.constant("w", {4, 3, 3, 3}, values)}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
//   Graph graph = b.finish({y});
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tinyc/base/rng.h"
#include "tinyc/ir/graph.h"
#include "tinyc/ops/infer.h"
#include "tinyc/ops/op.h"

namespace tinyc::testing {

class GraphBuilder {
 public:
  GraphBuilder() { graph_.opsets[""] = 17; }

  ValueId input(const std::string& name, Shape shape, DataType dtype = DataType::kFloat) {
    Value value;
    value.name = name;
    value.type = {dtype, std::move(shape)};
    const ValueId id = graph_.add_value(std::move(value));
    graph_.inputs.push_back(id);
    return id;
  }

  ValueId constant(const std::string& name, Tensor tensor) { return graph_.add_constant(name, std::move(tensor)); }
  ValueId constant(const std::string& name, Dims dims, const std::vector<float>& values) {
    return constant(name, Tensor::of<float>(std::move(dims), values));
  }
  // Values in [-scale, scale], the same for the same name and dims.
  ValueId random(const std::string& name, const Dims& dims, float scale = 1.0F) {
    return constant(name, random_tensor(dims, scale, ++seed_));
  }

  // The node is named after its op ("Conv", "com.microsoft.QGemm") and number, its first output after the node.
  ValueId node(const std::string& op, std::vector<ValueId> inputs, AttributeList attributes = {}) {
    return nodes(op, std::move(inputs), std::move(attributes), 1)[0];
  }
  // With several outputs: "Split3_out", "Split3_out1", ...
  std::vector<ValueId> nodes(const std::string& op, std::vector<ValueId> inputs, AttributeList attributes,
                             size_t outputs) {
    Node node;
    const size_t dot = op.rfind('.');
    node.op = dot == std::string::npos ? find_op("", op) : find_op(op.substr(0, dot), op.substr(dot + 1));
    TINYC_CHECK(node.op != nullptr);
    node.name = op + std::to_string(graph_.nodes.size());
    node.inputs = std::move(inputs);
    node.attributes = std::move(attributes);
    for (size_t k = 0; k < outputs; ++k) {
      Value value;
      value.name = node.name + "_out" + (k == 0 ? "" : std::to_string(k));
      node.outputs.push_back(graph_.add_value(std::move(value)));
    }
    graph_.nodes.push_back(node);
    return node.outputs;
  }

  Graph finish(std::vector<ValueId> outputs) {
    graph_.outputs = std::move(outputs);
    infer_types(graph_);
    return graph_;
  }

  static Tensor random_tensor(const Dims& dims, float scale, uint64_t seed) {
    Rng rng(seed);
    Tensor tensor = Tensor::zeros(DataType::kFloat, dims);
    for (float& x : tensor.mutable_data<float>()) x = static_cast<float>(rng.uniform(-1.0, 1.0)) * scale;
    return tensor;
  }

 private:
  Graph graph_;
  uint64_t seed_ = 0;
};

}  // namespace tinyc::testing
