// Takes structures (quant/structures.h) out of a float model: what passes for channels and for heads have in common.
//
// Problem: zeros among weights save bytes where a format can skip them; a structure that is gone saves bytes, memory
// and instructions everywhere. Method: quant/channel_harm.h says which structures the model can do without, by several
// measures of what a layer's loss is worth; of few structures each next one is chosen by trials at the model's end.
// Weights that make or read what goes are held at 0, and so are biases; the layers' other weights are solved for again,
// first in closed form from the data of the float model, then layer by layer behind those before (pass/layer_fit.h).
// Each choice is fitted to a part of the samples and judged by the model's end on the others, with and without the
// second step: recurrent layers are often better without. eliminate-constant-channels then cuts what is 0 out of the
// graph, exactly: what is written is a smaller model, without masks. Structures that are 0 on all data anyway go first:
// where they are enough nothing is held or solved for, they are only marked, and the cut model computes the same bits
// on such data as without pruning, quantized too. Cost: the moments of each layer twice, a fit for each choice, and
// trials of at most a bound of multiply-accumulates.
#pragma once

#include "tinyc/pass/context.h"
#include "tinyc/quant/structures.h"

namespace tinyc {

// `share`, between 0 and 1: of the multiply-accumulates of all layers for channels, of all heads for heads. Counts
// "channels" or "heads" that go, "macs" that they save and "macs_before". Returns whether anything changed.
bool prune_structures(Graph& graph, StructureKind kind, double share, PassContext& context);

}  // namespace tinyc
