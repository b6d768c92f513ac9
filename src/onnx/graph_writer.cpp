#include "onnx/graph_writer.h"

#include <algorithm>

#include "onnx/attributes.h"
#include "onnx/opset.h"
#include "onnx/order.h"
#include "onnx/tensor_proto.h"
#include "onnx/types.h"
#include "tinyc/base/error.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

using Renames = std::map<std::string, std::string>;

// Renames what the subgraphs of a foreign node take from around them. A name that a subgraph defines itself shadows.
void rename_captures(onnx::GraphProto& graph, Renames renames);

void rename_captures(onnx::NodeProto& node, const Renames& renames) {
  for (auto& attribute : *node.mutable_attribute()) {
    if (attribute.has_g()) rename_captures(*attribute.mutable_g(), renames);
    for (auto& graph : *attribute.mutable_graphs()) rename_captures(graph, renames);
  }
}

void rename_captures(onnx::GraphProto& graph, Renames renames) {
  for (const auto& input : graph.input()) renames.erase(input.name());
  for (const auto& tensor : graph.initializer()) renames.erase(tensor.name());
  for (const auto& node : graph.node()) {
    for (const auto& output : node.output()) renames.erase(output);
  }
  for (auto& node : *graph.mutable_node()) {
    for (auto& input : *node.mutable_input()) {
      const auto renamed = renames.find(input);
      if (renamed != renames.end()) input = renamed->second;
    }
    rename_captures(node, renames);
  }
}

}  // namespace

GraphWriter::GraphWriter(const Graph& graph, int64_t opset, GraphWriter* outer)
    : graph_(graph),
      opset_(opset),
      outer_(outer),
      names_(graph.values.size()),
      is_outer_(graph.values.size()),
      is_used_(graph.values.size()) {}

void GraphWriter::write(const std::vector<std::string>& captures, onnx::GraphProto& proto) {
  proto.set_name(graph_.name.empty() ? "graph" : graph_.name);
  name_values(captures);
  for (size_t i = 0; i + captures.size() < graph_.inputs.size(); ++i) {
    Value input = graph_[graph_.inputs[i]];
    input.name = name_of(graph_.inputs[i]);
    *proto.add_input() = to_value_info(input);
  }
  for (const Node& node : graph_.nodes) write_node(node, proto);
  write_outputs(captures.size(), proto);
  write_initializers(proto);
}

void GraphWriter::name_values(const std::vector<std::string>& captures) {
  for (size_t i = 0; i < captures.size(); ++i) {
    const ValueId id = graph_.inputs[graph_.inputs.size() - captures.size() + i];
    names_[index_of(id)] = captures[i];
    is_outer_[index_of(id)] = true;
  }
  for (size_t i = 0; i < graph_.values.size(); ++i) {
    if (is_outer_[i]) continue;
    const Value& value = graph_.values[i];
    is_outer_[i] = value.constant && uses_outer_constant(value.name, *value.constant);
    names_[i] = is_outer_[i] ? value.name : unique_name(value.name);
    if (!is_outer_[i]) defined_[names_[i]] = ValueId(i);
  }
}

void GraphWriter::write_node(const Node& original, onnx::GraphProto& proto) {
  const Node node = downgraded(graph_, original, opset_);
  onnx::NodeProto& out = *proto.add_node();
  out.set_name(node.name);
  const size_t own_inputs = node.inputs.size() - static_cast<size_t>(node.captures);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] != kNoValue) is_used_[index_of(node.inputs[i])] = true;
    if (i < own_inputs) out.add_input(node.inputs[i] == kNoValue ? "" : name_of(node.inputs[i]));
  }
  for (const ValueId id : node.outputs) out.add_output(id == kNoValue ? "" : name_of(id));
  if (node.op == nullptr) return write_foreign(node, out);
  out.set_op_type(std::string(node.op->name));
  if (!node.op->domain.empty()) out.set_domain(std::string(node.op->domain));
  for (const auto& [name, attribute] : node.attributes) {
    if (const auto* subgraph = std::get_if<std::shared_ptr<const Graph>>(&attribute)) {
      write_subgraph(node, name, **subgraph, out);
    } else {
      *out.add_attribute() = to_proto(name, attribute);
    }
  }
}

void GraphWriter::write_subgraph(const Node& node, const std::string& name, const Graph& graph,
                                 onnx::NodeProto& proto) {
  onnx::AttributeProto& attribute = *proto.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::GRAPH);
  GraphWriter(graph, opset_, this).write(capture_names(node), *attribute.mutable_g());
}

void GraphWriter::write_foreign(const Node& node, onnx::NodeProto& proto) const {
  proto.set_op_type(node.foreign->op_type);
  if (!node.foreign->domain.empty()) proto.set_domain(node.foreign->domain);
  for (const auto& [name, bytes] : node.foreign->attributes) TINYC_CHECK(parse_message(bytes, *proto.add_attribute()));
  if (node.captures == 0) return;
  const std::vector<std::string> before = captured_names(proto);
  const std::vector<std::string> now = capture_names(node);
  TINYC_CHECK(before.size() == now.size());
  Renames renames;
  for (size_t i = 0; i < now.size(); ++i) {
    if (before[i] != now[i]) renames[before[i]] = now[i];
  }
  if (!renames.empty()) rename_captures(proto, renames);
}

// A subgraph's outputs must be made in it, each under a name of its own.
void GraphWriter::write_outputs(size_t captures, onnx::GraphProto& proto) {
  const Uses uses(graph_);
  std::set<ValueId> written;
  for (const ValueId id : graph_.outputs) {
    is_used_[index_of(id)] = true;
    Value output = graph_[id];
    output.name = name_of(id);
    const bool made_here = uses.producer_of(id) != kNoNode && written.insert(id).second;
    if (outer_ != nullptr && !made_here) {
      onnx::NodeProto& identity = *proto.add_node();
      identity.set_op_type("Identity");
      identity.add_input(output.name);
      output.name = unique_name(output.name + "/output");
      defined_[output.name] = id;
      identity.set_name(output.name);
      identity.add_output(output.name);
    }
    *proto.add_output() = to_value_info(output);
  }
  TINYC_CHECK(captures <= graph_.inputs.size());
  // What unknown ops compute is known from the file alone: it must be said again.
  for (const Node& node : graph_.nodes) {
    for (const ValueId id : node.outputs) {
      if (node.op != nullptr || id == kNoValue || uses.is_output[index_of(id)] || !has_type(graph_[id])) continue;
      Value value = graph_[id];
      value.name = name_of(id);
      *proto.add_value_info() = to_value_info(value);
    }
  }
}

void GraphWriter::write_initializers(onnx::GraphProto& proto) const {
  for (size_t i = 0; i < graph_.values.size(); ++i) {
    if (graph_.values[i].constant && is_used_[i] && !is_outer_[i]) {
      *proto.add_initializer() = to_proto(*graph_.values[i].constant, names_[i]);
    }
  }
}

std::vector<std::string> GraphWriter::capture_names(const Node& node) const {
  std::vector<std::string> names;
  for (size_t i = node.inputs.size() - static_cast<size_t>(node.captures); i < node.inputs.size(); ++i) {
    names.push_back(node.inputs[i] == kNoValue ? "" : name_of(node.inputs[i]));
  }
  return names;
}

bool GraphWriter::is_taken(const std::string& name) const {
  return defined_.contains(name) || (outer_ != nullptr && outer_->is_taken(name));
}

std::string GraphWriter::unique_name(const std::string& base) {
  std::string candidate = base;
  for (int suffix = 1; is_taken(candidate); ++suffix) candidate = base + "_" + std::to_string(suffix);
  return candidate;
}

bool GraphWriter::uses_outer_constant(const std::string& name, const Tensor& tensor) {
  for (GraphWriter* writer = outer_; writer != nullptr; writer = writer->outer_) {
    const auto found = writer->defined_.find(name);
    if (found == writer->defined_.end()) continue;
    const Value& value = writer->graph_[found->second];
    if (!value.constant || !value.constant->same_bytes(tensor)) return false;
    writer->is_used_[index_of(found->second)] = true;
    return true;
  }
  return false;
}

}  // namespace tinyc
