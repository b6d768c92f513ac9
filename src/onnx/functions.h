// Model-local functions: found by the nodes that call them, and opened up at each call.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "onnx/proto.h"

namespace tinyc {

using Opsets = std::map<std::string, int64_t, std::less<>>;  // domain -> version; "" is ai.onnx

// Throws Error(kModel) for a version that is not positive or a domain that is given twice with different versions.
Opsets read_opsets(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports);

class FunctionTable {
 public:
  // Keeps references into the model.
  explicit FunctionTable(const onnx::ModelProto& model);

  // Null when the node is an ordinary op.
  const onnx::FunctionProto* find(const onnx::NodeProto& node) const;

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  // domain, name, overload
  std::map<Key, const onnx::FunctionProto*> functions_;
};

// The nodes of the function's body for one call: attributes that refer to the function's own are replaced by what the
// call gives, else by the function's default, else left out; in subgraphs too.
google::protobuf::RepeatedPtrField<onnx::NodeProto> bind_body(const onnx::FunctionProto& function,
                                                              const onnx::NodeProto& call);

}  // namespace tinyc
