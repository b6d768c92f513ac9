// AttributeProto to Attribute and back. Graphs are left to the caller: building them needs the names around them.
#pragma once

#include <filesystem>
#include <string_view>

#include "onnx/proto.h"
#include "tinyc/ir/graph.h"

namespace tinyc {

// The kind of the attribute; old files do not say it, then it follows from the field that is set.
onnx::AttributeProto::AttributeType kind_of(const onnx::AttributeProto& proto);

// Throws Error(kModel) for a kind that no op of tinyc has (sparse tensors, types, lists of tensors or graphs).
Attribute to_attribute(const onnx::AttributeProto& proto, const std::filesystem::path& folder);

onnx::AttributeProto to_proto(std::string_view name, const Attribute& attribute);

// Throws Error(kModel) unless each attribute of the node is one that its op declares, with that type.
void check_attributes(const Node& node);

}  // namespace tinyc
