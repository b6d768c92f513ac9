// Brings nodes of older ai.onnx opsets into the form of opset 21. This is the only place that knows old forms.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tinyc/ir/graph.h"

namespace tinyc {

inline constexpr int64_t kOldestOpset = 7;
inline constexpr int64_t kNewestOpset = 28;  // read as 21: later versions add types and attributes

// A node of domain ai.onnx that is not yet part of a graph.
struct LooseNode {
  std::string op_type;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  AttributeList attributes;
};

// What an upgrade sees of the graph under construction, and how it adds to it.
struct UpgradeTools {
  std::function<Value(ValueId)> value;  // a copy: adding to the graph moves its values
  std::function<ValueId(Tensor)> add_constant;
  std::function<ValueId(LooseNode)> add_node;  // puts it before the upgraded node, gives it one new output
};

// True when upgrade() turns the op of that opset into an op of another name.
bool has_other_name(std::string_view op_type, int64_t opset);

// Throws Error(kModel) when the opset is out of range, or the old form cannot be expressed.
void upgrade(LooseNode& node, int64_t opset, const UpgradeTools& tools);

}  // namespace tinyc
