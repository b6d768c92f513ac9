// Samples in batches: read in order, run side by side, taken apart again.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "driver/metrics.h"
#include "tinyc/quant/dataset.h"

namespace tinyc {

// Samples of one run of this model on this data: more than one where all inputs and outputs have the same open first
// dimension.
int64_t batch_of(const Graph& graph, const Dataset& data);

// Share idx of `count` equal parts along the first axis, without copying.
Tensor share_of(const Tensor& tensor, int64_t idx, int64_t count);
LabeledSample sample_of(const Batch& batch, int64_t idx);

// Reads the data from the beginning and hands them on in rounds of a few batches for each thread.
// Returns the number of samples.
int64_t for_each_round(Dataset& data, int64_t batch, int threads,
                       const std::function<void(std::span<const Batch>)>& body);

// How many threads 0 stands for.
int resolve_threads(int threads);

}  // namespace tinyc
