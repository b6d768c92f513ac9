// Inputs for a model without data.
#pragma once

#include "tinyc/eval/layerwise.h"
#include "tinyc/quant/dataset.h"
#include "tinyc/quant/recorded_moments.h"

namespace tinyc {

// What Dataset::synthetic makes inputs of that the model accepts, and of the size that its first layers ask for.
SyntheticOptions generated_inputs(const Graph& graph, const MomentTable& moments, uint64_t seed);

std::vector<Sample> generate_samples(const Graph& graph, const MomentTable& moments, uint64_t seed);

}  // namespace tinyc
