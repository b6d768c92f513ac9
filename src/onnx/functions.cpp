#include "onnx/functions.h"

#include <google/protobuf/unknown_field_set.h>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

// Fields of newer schemas than the installed one may be.
constexpr int kFunctionOverload = 13;
constexpr int kFunctionDefaults = 11;
constexpr int kNodeOverload = 8;

using Arguments = std::map<std::string, onnx::AttributeProto, std::less<>>;

Arguments arguments_of(const onnx::FunctionProto& function, const onnx::NodeProto& call) {
  Arguments arguments;
  const auto& fields = function.GetReflection()->GetUnknownFields(function);
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto& field = fields.field(i);
    if (field.number() != kFunctionDefaults || field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      continue;
    }
    onnx::AttributeProto attribute;
    if (!parse_message(field.length_delimited(), attribute)) {
      throw Error(ErrorKind::kModel, "function '" + function.name() + "' has a default that cannot be read");
    }
    arguments[attribute.name()] = attribute;
  }
  for (const auto& attribute : call.attribute()) arguments[attribute.name()] = attribute;
  return arguments;
}

void bind_node(const Arguments& arguments, onnx::NodeProto& node) {
  google::protobuf::RepeatedPtrField<onnx::AttributeProto> bound;
  for (auto& attribute : *node.mutable_attribute()) {
    if (!attribute.ref_attr_name().empty()) {
      const auto given = arguments.find(attribute.ref_attr_name());
      if (given == arguments.end()) continue;
      auto& copy = *bound.Add();
      copy = given->second;
      copy.set_name(attribute.name());
      continue;
    }
    if (attribute.has_g()) {
      for (auto& inner : *attribute.mutable_g()->mutable_node()) bind_node(arguments, inner);
    }
    for (auto& graph : *attribute.mutable_graphs()) {
      for (auto& inner : *graph.mutable_node()) bind_node(arguments, inner);
    }
    *bound.Add() = std::move(attribute);
  }
  *node.mutable_attribute() = std::move(bound);
}

}  // namespace

Opsets read_opsets(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports) {
  Opsets opsets;
  for (const auto& import : imports) {
    const std::string domain = import.domain() == "ai.onnx" ? "" : import.domain();
    if (import.version() < 1) {
      throw Error(ErrorKind::kModel, "opset version " + std::to_string(import.version()) + " of domain '" +
                                         import.domain() + "' is not positive");
    }
    const auto [found, added] = opsets.emplace(domain, import.version());
    if (!added && found->second != import.version()) {
      throw Error(ErrorKind::kModel, "domain '" + import.domain() + "' is imported with two opset versions");
    }
  }
  return opsets;
}

FunctionTable::FunctionTable(const onnx::ModelProto& model) {
  for (const auto& function : model.functions()) {
    const Key key{function.domain(), function.name(), unknown_string(function, kFunctionOverload)};
    if (!functions_.emplace(key, &function).second) {
      throw Error(ErrorKind::kModel, "function '" + function.name() + "' is defined twice");
    }
  }
}

const onnx::FunctionProto* FunctionTable::find(const onnx::NodeProto& node) const {
  if (functions_.empty()) return nullptr;
  const auto found = functions_.find({node.domain(), node.op_type(), unknown_string(node, kNodeOverload)});
  return found == functions_.end() ? nullptr : found->second;
}

google::protobuf::RepeatedPtrField<onnx::NodeProto> bind_body(const onnx::FunctionProto& function,
                                                              const onnx::NodeProto& call) {
  const Arguments arguments = arguments_of(function, call);
  auto body = function.node();
  for (auto& node : body) bind_node(arguments, node);
  return body;
}

}  // namespace tinyc
