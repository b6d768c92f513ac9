// Builds a Graph from a GraphProto: names become ids, nodes take the form of opset 21, functions are opened up.
//
// A GraphBuilder makes one Graph; subgraphs of control flow get a builder of their own that knows the one around it.
// Names are looked up in a Frame: that of the graph, or that of a function body that is being opened into the graph.
// A name that a subgraph does not define is taken from around it: constants are copied (their bytes are shared),
// computed values become captures (see Node::captures).
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "onnx/fixed_inputs.h"
#include "onnx/functions.h"
#include "onnx/order.h"
#include "onnx/types.h"
#include "onnx/unique_names.h"
#include "onnx/upgrade.h"
#include "tinyc/ir/graph.h"

namespace tinyc {

// What the graphs of one model share.
struct ModelContext {
  const FunctionTable& functions;
  std::filesystem::path folder;
  DimBindings dims;
  FixedInputs fixed;
  // Made so far; opened functions can multiply.
  int64_t node_count = 0;
  uint64_t opened_bytes = 0;
};

struct Frame {
  std::unordered_map<std::string, ValueId> names;
  Opsets opsets;
  std::string prefix;                             // of names made here; empty in a graph, "call/" in a function body
  const Frame* caller = nullptr;                  // the frame around: of the call, or of the node that has the subgraph
  const onnx::FunctionProto* function = nullptr;  // null in a graph
  std::unordered_map<std::string, std::string> wanted;  // function outputs: the name that the caller uses
  std::unordered_map<std::string, const onnx::TypeProto*> declared;
};

class GraphBuilder {
 public:
  GraphBuilder(ModelContext& model, Opsets opsets) : model_(model) { frame_.opsets = std::move(opsets); }
  // For a subgraph of a node that is being built in `outer`, where `outer_frame` is current.
  GraphBuilder(GraphBuilder& outer, Frame& outer_frame);

  // Throws Error(kModel) for anything that is wrong with the graph.
  void build(const onnx::GraphProto& proto);
  Graph take() { return std::move(graph_); }

 private:
  struct Capture {
    ValueId outer;
    ValueId inner;
  };

  void reserve_names(const onnx::GraphProto& proto);
  void add_initializers(const onnx::GraphProto& proto);
  void add_inputs(const onnx::GraphProto& proto);
  void add_outputs(const onnx::GraphProto& proto);
  ValueId add_constant(Frame& frame, const std::string& name, Tensor tensor);

  void add_nodes(Frame& frame, const NodeList& nodes, int origin);
  void add_node(Frame& frame, const onnx::NodeProto& proto, int origin);
  void add_constant_node(Frame& frame, const onnx::NodeProto& proto);
  void open_function(Frame& frame, const onnx::FunctionProto& function, const onnx::NodeProto& call, int origin);
  void add_known(Frame& frame, const onnx::NodeProto& proto, int origin);
  void add_foreign(Frame& frame, const onnx::NodeProto& proto, int origin);
  std::vector<Capture> build_subgraphs(Frame& frame, const onnx::NodeProto& proto, std::span<const ValueId> inputs,
                                       AttributeList& attributes);
  std::vector<DataType> loop_body_types(std::span<const ValueId> inputs) const;
  void push_node(Node node, const std::string& base, int origin);

  ValueId resolve(Frame& frame, const std::string& name);
  ValueId resolve_computed(Frame& frame, const std::string& name);  // an Error where resolve() gives kNoValue
  ValueId capture(ValueId outer);
  ValueId define(Frame& frame, const std::string& name);
  void bind_name(Frame& frame, const std::string& name, ValueId id);
  std::string value_name(const Frame& frame, const std::string& name);
  std::vector<ValueId> read_inputs(Frame& frame, const onnx::NodeProto& proto);
  std::vector<ValueId> define_outputs(Frame& frame, const onnx::NodeProto& proto);

  ModelContext& model_;
  GraphBuilder* outer_ = nullptr;
  Frame* outer_frame_ = nullptr;
  int depth_ = 0;
  Frame frame_;
  Graph graph_;
  std::vector<std::optional<Shape>> dims_;
  std::vector<Capture> captures_;
  std::vector<DataType> input_types_;  // of inputs that do not say theirs
  UniqueNames value_names_;
  UniqueNames node_names_;
  std::unordered_set<std::string> reserved_node_names_;  // the file's own
};

}  // namespace tinyc
