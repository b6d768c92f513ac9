// The data that a run reads: samples held for passes that run the model, and those that the result is judged by.
#pragma once

#include "driver/run_state.h"
#include "tinyc/quant/dataset.h"

namespace tinyc {

// Complaints about data come before any work is done on them.
void check_data(RunState& run);

// The first calibration samples: for rewriting passes, which run whole models on them one by one, as many as take a
// bounded time. None where no pass runs the model.
void hold_samples_for_rewrite(RunState& run);
// No more than repairs can hold the activations of all together.
void keep_samples_for_repair(RunState& run);
// Throws Error(kUsage) where there are none: a goal needs them.
void require_samples_for_goal(const RunState& run);

// The data the result is judged by: all of what the user names for it, or a part of the calibration data that takes a
// bounded time.
Dataset open_evaluation(const RunState& run);
Dataset open_data_for_vectors(const RunState& run);

}  // namespace tinyc
