// TensorProto and SparseTensorProto to Tensor and back.
//
// A TensorProto keeps its elements in raw_data, in one of five typed fields (narrow types widened to int32), or in a
// file of their own. All become bytes in C order; they are written as raw_data. Element types that the schema does not
// name (int4, float8, ...) are numbers and take the same way. Strings become an opaque payload.
#pragma once

#include <filesystem>

#include "onnx/proto.h"
#include "tinyc/ir/tensor.h"

namespace tinyc {

// Throws Error(kModel) when dims, element type and data do not fit each other.
Tensor to_tensor(const onnx::TensorProto& proto, const std::filesystem::path& folder);
// The dense tensor.
Tensor to_tensor(const onnx::SparseTensorProto& proto, const std::filesystem::path& folder);

onnx::TensorProto to_proto(const Tensor& tensor, std::string_view name);

// A string tensor of those strings.
Tensor string_tensor(Dims dims, const google::protobuf::RepeatedPtrField<std::string>& strings);

}  // namespace tinyc
