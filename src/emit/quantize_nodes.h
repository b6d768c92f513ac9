// What the lowerings to QDQ and to QLinear operators have in common: names, stored constants, clamps that go.
//
// Names: the integers of a value `v` are `v_q`, what readers of floats see of it is `v_dq`, its parameters are
// `v_scale` and `v_zero_point`. Exporters write whole paths as names, and eight copies of one would outweigh the
// weights of a small layer: where `v` is long, what is added stands under its last part and a hash, but for `v_dq`,
// by which a reader finds the value that it stands for. A graph output keeps its public name for the floats that are
// handed out.
#pragma once

#include <string>

#include "tinyc/ir/graph.h"
#include "tinyc/ops/qlinear.h"

namespace tinyc {

// What the values and nodes that are added for a value are named after.
std::string stem_of(const std::string& name);

// A new value of the shape of `like`, named `name` or made unique.
ValueId add_like(Graph& graph, const Value& like, const std::string& name, DataType dtype);

// The integers of a value and their parameters, in a lowered graph.
struct Stored {
  ValueId integers = kNoValue;
  ParamOperands params;
};

// Adds constants for a packed constant: `w_q`, `w_scale`, `w_zero_point`.
Stored add_stored_constant(Graph& graph, const Value& packed);

// The node is a Relu, or a Clip with constant limits, and no point of the grid lies outside them.
bool implied_by_grid(const Graph& graph, const Node& node, const QParams& params);

}  // namespace tinyc
