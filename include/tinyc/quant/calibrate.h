// Calibration: a data set streams through the float evaluator, and each observed value leaves a histogram and the
// ranges of its last samples.
//
// The result depends on the model and the bag of samples only (and, for the recent ranges, on their order): not on
// batch sizes, not on threads. Memory does not grow with the number of samples.
#pragma once

#include <functional>
#include <span>

#include "tinyc/ir/graph.h"
#include "tinyc/quant/dataset.h"
#include "tinyc/quant/statistics.h"

namespace tinyc {

struct CalibrationOptions {
  int threads = 1;                          // 0: all processors
  std::function<void(int64_t)> on_samples;  // called with the number of samples just done, from any thread
};

// Float values worth observing: graph inputs and all that nodes compute. Not constants.
std::vector<ValueId> observable_values(const Graph& graph);

// Reads the data set from its start to its end. `Statistics::model` is left empty. Throws what the evaluator
// and the data set throw, and Error(kModel) naming a value that is NaN, with the sample's number.
Statistics calibrate(const Graph& graph, Dataset& dataset, std::span<const ValueId> observed,
                     const CalibrationOptions& options = {});

// Samples to run at once: as many as keep the activations of one run near a few megabytes, at most dataset.max_batch().
// Fewer samples than that do not change the bits of any sample.
int64_t good_batch_size(const Graph& graph, const Dataset& dataset);

// SyntheticOptions::open_dim with which the model runs: many models take any length in an open axis, but not one below
// their windows or beyond their tables. The smallest of 16, 64, 256, 512, 1024, 4096 and 16000 that passes a trial run;
// throws what the last one threw when none does. A model without such axes is not run.
int64_t fitting_open_dim(const Graph& graph);

}  // namespace tinyc
