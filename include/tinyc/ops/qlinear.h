// The QLinear operators: float operators whose operands and result are integers, with scales and zero points as
// operands beside them. One table says which float operator each stands for and where its operands are; expanding
// (passes/expand_qoperators.cpp) and lowering (emit/qoperator.cpp) both read it.
//
// Source: ONNX QLinearConv and QLinearMatMul; the contributed operators of onnxruntime (domain com.microsoft).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tinyc/ir/graph.h"

namespace tinyc {

// A data operand is three in a row: integers, scale, zero point; the next data operand follows it. The float operator
// reads: the plain operand, the data operands, the bias, as far as there are any.
struct QLinearLayout {
  std::string_view domain;
  std::string_view name;      // "QLinearConv"
  std::string_view float_op;  // "Conv", of ai.onnx
  int data;                   // the first data operand
  int data_count;             // kAllData: up to the end
  int result;                 // scale of the result; its zero point follows
  int bias = -1;              // int32 with the product of the data operands' scales
  int plain = -1;             // handed on as it is (Where's condition)
};
inline constexpr int kAllData = 0;

std::span<const QLinearLayout> qlinear_layouts();
// Null when the node is none of them.
const QLinearLayout* find_qlinear(const Node& node);
// The QLinear operator of a float operator; null when there is none.
const QLinearLayout* find_qlinear_of(const Node& node);

// The operands whose elements a node only moves, selects or joins, so that it computes on integers as on floats;
// runtimes run it on 8-bit integers directly. Empty for other nodes.
std::vector<int> moved_operands(const Node& node);

// Scale and zero point as operands.
struct ParamOperands {
  ValueId scale = kNoValue;
  ValueId zero_point = kNoValue;
  friend bool operator==(const ParamOperands&, const ParamOperands&) = default;
};

// Adds constants `BASE_scale` and `BASE_zero_point`: scalars, or one element per index of the axis, or, for parameters
// by blocks, one per block of a value of these dims. int32 has no zero point.
ParamOperands add_params(Graph& graph, std::string_view base, const QParams& params,
                         std::span<const int64_t> dims = {});

// The parameters that two constants (no zero point: 0) give to integers of type `stored`. With several scales the
// caller says along which axis. Nothing when they are no constants or no parameters.
std::optional<QParams> read_params(const Graph& graph, ParamOperands operands, DataType stored, int axis = -1);

// Whether a value of this shape can have these parameters, as far as its dims are known.
bool params_fit(const QParams& params, const Shape& shape);

// Nodes between a float value and its integers; axis and block are those of `params`.
Node quantize_node(std::string name, ValueId real, ParamOperands operands, ValueId stored, const QParams& params);
Node dequantize_node(std::string name, ValueId stored, ParamOperands operands, ValueId real, const QParams& params);

}  // namespace tinyc
