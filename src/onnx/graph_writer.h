// Writes one Graph as a GraphProto, subgraphs included.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "onnx/proto.h"
#include "tinyc/ir/graph.h"

namespace tinyc {

// Where a subgraph is written: the graph's own names must differ from all names around it.
class GraphWriter {
 public:
  explicit GraphWriter(const Graph& graph, int64_t opset, GraphWriter* outer = nullptr);

  // `captures` are the names, in the graph around, of the last inputs; empty for the main graph.
  void write(const std::vector<std::string>& captures, onnx::GraphProto& proto);

 private:
  void name_values(const std::vector<std::string>& captures);
  void write_node(const Node& node, onnx::GraphProto& proto);
  void write_subgraph(const Node& node, const std::string& name, const Graph& graph, onnx::NodeProto& proto);
  void write_foreign(const Node& node, onnx::NodeProto& proto) const;
  void write_outputs(size_t captures, onnx::GraphProto& proto);
  void write_initializers(onnx::GraphProto& proto) const;
  std::vector<std::string> capture_names(const Node& node) const;

  bool is_taken(const std::string& name) const;
  std::string unique_name(const std::string& base);
  // The constant of that name and those bytes in a graph around; marks it as used there.
  bool uses_outer_constant(const std::string& name, const Tensor& tensor);
  const std::string& name_of(ValueId id) const { return names_[index_of(id)]; }

  const Graph& graph_;
  int64_t opset_;
  GraphWriter* outer_;
  std::vector<std::string> names_;                    // by value
  std::unordered_map<std::string, ValueId> defined_;  // names of this graph
  std::vector<bool> is_outer_;                        // by value: a constant that a graph around holds
  std::vector<bool> is_used_;                         // by value
};

}  // namespace tinyc
