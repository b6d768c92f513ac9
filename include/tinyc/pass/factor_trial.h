// Keeps factors of channels where they make the quantized model better.
#pragma once

#include <vector>

#include "tinyc/pass/context.h"
#include "tinyc/quant/free_channels.h"

namespace tinyc {

// Tries each list of factors (by channel) on the context's samples, see pass/trial.h, takes the one with the least
// error, and scales the graph by those of its factors that, layer by layer, lower the error. Notes for each layer what
// was done. Returns true when the graph changed; without samples it never does.
bool keep_helpful_factors(Graph& graph, const FreeChannels& channels,
                          const std::vector<std::vector<double>>& candidates, PassContext& context);

}  // namespace tinyc
