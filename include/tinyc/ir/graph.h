// The graph: a value. Nodes and values are addressed by typed ids; weights sit in shared immutable buffers, so a copy
// is cheap and a pass can be tried, checked, compared and undone.
//
// Invariants (verify() in ir/verify.h checks them): nodes stand in execution order; each value is produced by at most
// one node, or is a graph input, or is a constant; names of values and of nodes are unique and not empty.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tinyc/ir/quant_info.h"
#include "tinyc/ir/tensor.h"

namespace tinyc {

struct OpDef;  // ops/op.h
struct Graph;

enum class NodeId : uint32_t {};
enum class ValueId : uint32_t {};
inline constexpr ValueId kNoValue{0xFFFFFFFFU};  // an optional input or output that is left out
inline constexpr NodeId kNoNode{0xFFFFFFFFU};
constexpr size_t index_of(NodeId id) {
  return static_cast<size_t>(id);
}
constexpr size_t index_of(ValueId id) {
  return static_cast<size_t>(id);
}

using Attribute = std::variant<int64_t, float, std::string, Tensor, std::shared_ptr<const Graph>, std::vector<int64_t>,
                               std::vector<float>, std::vector<std::string>>;
using AttributeList = std::map<std::string, Attribute, std::less<>>;

// What an unknown op was, byte for byte, so that it leaves as it came.
struct Foreign {
  std::string domain;
  std::string op_type;
  std::map<std::string, std::string, std::less<>> attributes;  // serialized AttributeProto by name
};

struct Value {
  std::string name;
  TensorType type;                 // the type that is computed with; dtype kUndefined when it is not a tensor
  std::string foreign_type;        // serialized TypeProto of a value that is not a tensor (sequence, map, optional)
  std::optional<Tensor> constant;  // dtype is type.dtype, or quant's storage type once packed
  std::optional<QuantInfo> quant;  // none: stored as it is computed
};

// The grid of a value that is stored as integers; null when it is stored otherwise.
inline const QParams* linear_params(const Value& value) {
  return value.quant ? std::get_if<QParams>(&*value.quant) : nullptr;
}

struct Node {
  const OpDef* op = nullptr;  // null: unknown to tinyc, see foreign
  std::string name;
  // For control flow the values that subgraphs capture follow the op's own inputs: the last `captures` of these.
  // A subgraph's inputs end with the same captures in the same order.
  std::vector<ValueId> inputs;   // kNoValue for an optional input that is left out
  std::vector<ValueId> outputs;  // kNoValue for an optional output that is left out
  int captures = 0;
  AttributeList attributes;  // only those given; defaults are in OpDef::attributes
  std::shared_ptr<const Foreign> foreign;
  int origin = -1;  // index of the node in the imported file; for messages
};

struct Graph {
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;  // in execution order
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  // Of the main graph only:
  std::map<std::string, int64_t, std::less<>> opsets;         // domain -> version, as imported
  std::vector<std::pair<std::string, std::string>> metadata;  // metadata_props
  std::string doc;

  Value& operator[](ValueId id) { return values[index_of(id)]; }
  const Value& operator[](ValueId id) const { return values[index_of(id)]; }
  Node& operator[](NodeId id) { return nodes[index_of(id)]; }
  const Node& operator[](NodeId id) const { return nodes[index_of(id)]; }

  ValueId add_value(Value value);
  // `name` made unique by a suffix if taken.
  ValueId add_constant(std::string_view name, Tensor tensor);
  std::string unique_name(std::string_view base) const;
};

inline const QParams* linear_params(const Graph& graph, ValueId id) {
  return id == kNoValue ? nullptr : linear_params(graph[id]);
}

// "Conv"; with its domain in front when that is not ai.onnx: "com.microsoft.QGemm".
std::string op_name(const Node& node);
// "node 'conv2' (Conv, #17)", for messages.
std::string describe(const Node& node);

// Who makes and who reads each value. Valid until the graph changes.
struct Uses {
  std::vector<NodeId> producer;                // by value; kNoNode for inputs and constants
  std::vector<std::vector<NodeId>> consumers;  // by value; a node is listed once per operand that reads it
  std::vector<bool> is_output;                 // by value: a graph output
  explicit Uses(const Graph& graph);
  NodeId producer_of(ValueId id) const { return producer[index_of(id)]; }
  const std::vector<NodeId>& consumers_of(ValueId id) const { return consumers[index_of(id)]; }
  // Read by exactly one operand of one node, and not a graph output.
  bool has_single_reader(ValueId id) const { return consumers[index_of(id)].size() == 1 && !is_output[index_of(id)]; }
};

// Makes every reader of `from` (nodes and graph outputs) read `to`.
void replace_uses(Graph& graph, ValueId from, ValueId to);
// Drops nodes whose outputs nobody reads, then values that nothing mentions. Ids change.
void remove_dead(Graph& graph);
// Puts nodes into execution order, stable where it is free. Throws Error(kModel) that names a node on a cycle.
void sort_nodes(Graph& graph);

}  // namespace tinyc
