// Names that nodes use, and an order in which the nodes can run.
#pragma once

#include <string>
#include <vector>

#include "onnx/proto.h"

namespace tinyc {

using NodeList = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

// Names that the node's subgraphs read but do not define, without repeats, in the order of first use.
// Throws Error(kModel) when subgraphs are nested deeper than kMaxSubgraphDepth.
std::vector<std::string> captured_names(const onnx::NodeProto& node);
inline constexpr int kMaxSubgraphDepth = 24;

// Indices of the nodes in execution order: the file's own order where that is one. Throws Error(kModel) that names a
// node on a cycle.
std::vector<int> execution_order(const NodeList& nodes);

// "node 'conv2' (Conv, #17)".
std::string describe(const onnx::NodeProto& node, int idx);

}  // namespace tinyc
