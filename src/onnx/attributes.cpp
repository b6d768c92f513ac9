#include "onnx/attributes.h"

#include <algorithm>
#include <array>

#include "onnx/tensor_proto.h"
#include "tinyc/base/text.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

using Kind = onnx::AttributeProto;

AttributeType type_of(const Attribute& attribute) {
  static constexpr std::array kByAlternative{AttributeType::kInt,    AttributeType::kFloat,  AttributeType::kString,
                                             AttributeType::kTensor, AttributeType::kGraph,  AttributeType::kInts,
                                             AttributeType::kFloats, AttributeType::kStrings};
  static_assert(kByAlternative.size() == std::variant_size_v<Attribute>);
  return kByAlternative[attribute.index()];
}

std::string_view name_of(AttributeType type) {
  static constexpr std::array<std::string_view, 8> kNames{"an integer",       "a float",          "a string",
                                                          "a tensor",         "a graph",          "a list of integers",
                                                          "a list of floats", "a list of strings"};
  return kNames[static_cast<size_t>(type)];
}

}  // namespace

onnx::AttributeProto::AttributeType kind_of(const onnx::AttributeProto& proto) {
  if (proto.type() != Kind::UNDEFINED) return proto.type();
  if (proto.has_f()) return Kind::FLOAT;
  if (proto.has_i()) return Kind::INT;
  if (proto.has_s()) return Kind::STRING;
  if (proto.has_t()) return Kind::TENSOR;
  if (proto.has_g()) return Kind::GRAPH;
  if (proto.floats_size() > 0) return Kind::FLOATS;
  if (proto.strings_size() > 0) return Kind::STRINGS;
  if (proto.ints_size() > 0) return Kind::INTS;
  return Kind::UNDEFINED;
}

Attribute to_attribute(const onnx::AttributeProto& proto, const std::filesystem::path& folder) {
  switch (kind_of(proto)) {
    case Kind::FLOAT:
      return proto.f();
    case Kind::INT:
      return static_cast<int64_t>(proto.i());
    case Kind::STRING:
      return proto.s();
    case Kind::TENSOR:
      return to_tensor(proto.t(), folder);
    case Kind::FLOATS:
      return std::vector<float>(proto.floats().begin(), proto.floats().end());
    case Kind::INTS:
      return std::vector<int64_t>(proto.ints().begin(), proto.ints().end());
    case Kind::STRINGS:
      return std::vector<std::string>(proto.strings().begin(), proto.strings().end());
    default:
      break;
  }
  throw Error(ErrorKind::kModel, "attribute '" + proto.name() + "' has a kind that this op cannot have");
}

onnx::AttributeProto to_proto(std::string_view name, const Attribute& attribute) {
  onnx::AttributeProto proto;
  proto.set_name(std::string(name));
  switch (type_of(attribute)) {
    case AttributeType::kInt:
      proto.set_type(Kind::INT);
      proto.set_i(std::get<int64_t>(attribute));
      break;
    case AttributeType::kFloat:
      proto.set_type(Kind::FLOAT);
      proto.set_f(std::get<float>(attribute));
      break;
    case AttributeType::kString:
      proto.set_type(Kind::STRING);
      proto.set_s(std::get<std::string>(attribute));
      break;
    case AttributeType::kTensor:
      proto.set_type(Kind::TENSOR);
      *proto.mutable_t() = to_proto(std::get<Tensor>(attribute), "");
      break;
    case AttributeType::kInts:
      proto.set_type(Kind::INTS);
      for (const int64_t element : std::get<std::vector<int64_t>>(attribute)) proto.add_ints(element);
      break;
    case AttributeType::kFloats:
      proto.set_type(Kind::FLOATS);
      for (const float element : std::get<std::vector<float>>(attribute)) proto.add_floats(element);
      break;
    case AttributeType::kStrings:
      proto.set_type(Kind::STRINGS);
      for (const auto& element : std::get<std::vector<std::string>>(attribute)) proto.add_strings(element);
      break;
    case AttributeType::kGraph:
      TINYC_CHECK(false);
  }
  return proto;
}

void check_attributes(const Node& node) {
  for (const auto& [name, attribute] : node.attributes) {
    const auto& defs = node.op->attributes;
    const auto def =
        std::find_if(defs.begin(), defs.end(), [&, &name = name](const auto& d) { return d.name == name; });
    if (def == defs.end()) {
      std::vector<std::string_view> known;
      for (const AttributeDef& d : defs) known.push_back(d.name);
      throw Error(ErrorKind::kModel, "has an attribute '" + name + "' that this op does not have",
                  known.empty() ? "it has no attributes" : spelling_hint(name, known));
    }
    if (type_of(attribute) != def->type) {
      throw Error(ErrorKind::kModel, "attribute '" + name + "' is " + std::string(name_of(type_of(attribute))) +
                                         ", expected " + std::string(name_of(def->type)));
    }
  }
}

}  // namespace tinyc
