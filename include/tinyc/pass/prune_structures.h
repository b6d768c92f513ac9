// Takes structures (quant/structures.h) out of a float model: what passes for channels and for heads have in common.
//
// Problem: zeros among weights save bytes where a format can skip them; a structure that is gone saves bytes, memory
// and instructions everywhere. Method: quant/channel_harm.h says which structures the model can do without; the weights
// that make or read them are held at 0, and so are their biases; where that costs anything, the layers' other weights
// are solved for again, layer by layer (pass/layer_fit.h). eliminate-constant-channels then cuts what is 0 out of the
// graph, exactly: what is written is a smaller model, without masks. Structures that are 0 on all data anyway go first:
// where they are enough nothing is held or solved for, they are only marked, and the cut model computes the same bits
// on such data as without pruning, quantized too. Cost: the moments of each layer, and
// what the choice takes.
#pragma once

#include "tinyc/pass/context.h"
#include "tinyc/quant/structures.h"

namespace tinyc {

// `share`, between 0 and 1: of the multiply-accumulates of all layers for channels, of all heads for heads. Counts
// "channels" or "heads" that go, "macs" that they save and "macs_before". Returns whether anything changed.
bool prune_structures(Graph& graph, StructureKind kind, double share, PassContext& context);

}  // namespace tinyc
