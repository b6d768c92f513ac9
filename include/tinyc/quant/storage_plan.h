// Which values of a graph are stored as integers, which of them share one set of parameters, and which nodes stay in
// float and why. Decided from the ops' quantization traits alone, before any data is seen: calibration observes what
// the plan names, annotation fills in the numbers, `inspect` prints the reasons.
//
// Rules (those of ONNX QDQ models, with the unification that integer kernels need):
//   - a node computes on integers when its op has an integer form and its data are float32;
//   - ops that only move elements (Reshape, MaxPool, ...) do so when a neighbour does, and keep their input's
//   parameters;
//   - operands and result of a Concat share one set of parameters;
//   - a Relu or Clip from 0 that is the only reader of an integer node is that node's clamp: no grid lies between them.
#pragma once

#include <string>
#include <vector>

#include "tinyc/ops/op.h"
#include "tinyc/quant/settings.h"

namespace tinyc {

// A node that computes on floats in the result, and why.
struct FloatNode {
  std::string node;
  std::string op;
  std::string reason;
};

struct StoragePlan {
  // Values that share one set of parameters. The range is that of `sources`: the other members hold elements of theirs.
  struct Group {
    std::vector<ValueId> members;  // in the order of Graph::values
    std::vector<ValueId> sources;  // a subset of members
    bool fixed = false;            // the range is known without data: [low, high)
    float low = 0.0F, high = 0.0F;
  };
  std::vector<bool> integer_nodes;  // by node
  std::vector<bool> fused_clamps;   // by node: a Relu or Clip that is its producer's clamp
  std::vector<int> group_of;        // by value: index into groups, -1 where it is not an activation on a grid
  std::vector<Group> groups;
  std::vector<FloatNode> float_nodes;
};

StoragePlan plan_storage(const Graph& graph, const QuantizationSettings& settings);

// A constant operand that the op's traits call a weight.
bool is_weight_operand(const Graph& graph, const Node& node, int idx);

}  // namespace tinyc
