// Writing models: a Graph becomes the bytes of an ONNX file.
//
// The graph is written as it stands: annotations (Value::quant) are not looked at, whoever wants them in the file
// lowers them to nodes before. The opset is the imported one, at least 13, raised where a node needs a newer one; nodes
// are written in the form of that opset. The same graph gives the same bytes.
#pragma once

#include <string>

#include "tinyc/ir/graph.h"

namespace tinyc {

// Throws Error(kModel) when the result would not fit a protobuf (2 GB), or a node has no form in any opset.
std::string export_model(const Graph& graph);

// The ai.onnx opset that export_model() writes.
int64_t export_opset(const Graph& graph);

}  // namespace tinyc
