// Keeps factors of channels where they make the quantized model better.
#pragma once

#include <span>

#include "tinyc/pass/context.h"
#include "tinyc/quant/free_channels.h"

namespace tinyc {

// Tries the factors (by channel) layer by layer on the context's samples, see pass/trial.h, and scales the graph by
// those that lower the error. Notes for each layer what was done. Returns true when the graph changed; without samples
// it never does.
bool keep_helpful_factors(Graph& graph, const FreeChannels& channels, std::span<const double> factors,
                          PassContext& context);

}  // namespace tinyc
