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

}  // namespace tinyc
