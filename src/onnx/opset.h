// Which ai.onnx opset a graph needs when it is written, and the forms of opsets below 21: the inverse of upgrade.h.
#pragma once

#include <cstdint>

#include "tinyc/ir/graph.h"

namespace tinyc {

inline constexpr int64_t kOldestWritten = 13;

// The oldest opset, at least kOldestWritten, in which every node of the graph and of its subgraphs can be written.
int64_t required_opset(const Graph& graph);

// The IR version that goes with an opset.
int64_t ir_version_for(int64_t opset);

// The node in the form of `opset`, which is at least required_opset(graph).
Node downgraded(const Graph& graph, Node node, int64_t opset);

}  // namespace tinyc
