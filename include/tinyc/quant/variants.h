// What a model's outputs lose when one node of it is another, for many nodes: where the error comes from.
//
// Method: the model runs once, node by node, over samples that are held; at each node every variant of the rest is run
// from there, on the values that are there. Cost: half a run of the samples per variant, on the average. Memory: what
// LayerwiseRun holds. Source: cached activations, as layerwise search tools do it.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "tinyc/eval/layerwise.h"
#include "tinyc/quant/error_sums.h"

namespace tinyc {

// The outputs of `graph` by sample, then in its order.
std::vector<std::vector<Tensor>> run_samples(const Graph& graph, Engine engine, std::span<const Sample> samples,
                                             int threads);

// `variants(i)`: graphs that differ from `base` at node i alone, in constants and annotations; they run in the
// simulated engine from that node on, `base` in `engine` before it. Returns, by node and variant, the error of all
// floating outputs against `wanted` (as run_samples gives them). The same for any number of threads.
std::vector<std::vector<ErrorSums>> measure_variants(const Graph& base, Engine engine, std::span<const Sample> samples,
                                                     std::span<const std::vector<Tensor>> wanted, int threads,
                                                     const std::function<std::vector<Graph>(size_t node)>& variants);

}  // namespace tinyc
