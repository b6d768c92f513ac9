// Lowering: an annotated, packed graph becomes a plain graph in which the annotations are nodes. The result exports as
// is.
#pragma once

#include "tinyc/ir/graph.h"

namespace tinyc {

// QDQ form: behind every annotated activation a QuantizeLinear and a DequantizeLinear, which all readers share; behind
// every packed constant a DequantizeLinear. A Relu or Clip that the grid of its output implies is left out.
// Needed: annotated constants are packed. Source: ONNX operators QuantizeLinear, DequantizeLinear (opset 13, 21).
Graph lower_to_qdq(const Graph& graph);

}  // namespace tinyc
