// Lowering: an annotated, packed graph becomes a plain graph in which the annotations are nodes. The result exports as
// is.
#pragma once

#include "tinyc/ir/graph.h"

namespace tinyc {

// QDQ form: behind every annotated activation a QuantizeLinear and a DequantizeLinear, which all readers share; behind
// every packed constant a DequantizeLinear. A Relu or Clip that the grid of its output implies is left out.
// Needed: annotated constants are packed. Source: ONNX operators QuantizeLinear, DequantizeLinear (opset 13, 21).
Graph lower_to_qdq(const Graph& graph);

// QOperator form: operators on integers where onnxruntime has kernels for them (QLinearConv, QLinearMatMul; QGemm,
// QLinearAdd, ... of its domain com.microsoft; MaxPool, Reshape, ... on 8-bit integers); everything else computes on
// floats between a DequantizeLinear and a QuantizeLinear. Needed: annotated constants are packed. Source: ONNX
// QLinearConv, QLinearMatMul (opset 10); ContribOperators.md of onnxruntime.
Graph lower_to_qoperator(const Graph& graph);

// The lowered graph with integer constants of up to 8 bits that take at most 16 different values, or are made of at
// most 256 different vectors of up to 64 neighbours along any axis, as a Gather of indices of 1, 2, 4 or 8 bits, packed
// into bytes, from a codebook: where that is smaller than the constant itself. Everything computes what it did, bit for
// bit. Names of the constants stay; those of what is new are taken by nothing else. Source: ONNX operators BitShift
// (opset 11), Mod, Split (13), Gather, Transpose.
Graph with_gathered_constants(const Graph& lowered);

}  // namespace tinyc
