// What a goal on bytes, RAM or accuracy chooses for a run: how much is pruned, the bits of layers, or the noise that
// coding may add (driver/fit.h has the searches; here is what they ask of the run).
#pragma once

#include "driver/run_state.h"

namespace tinyc {

// Whether weights are rounded for a coder, or will be for a goal.
bool prices_weights(const RunState& run);

// Of a pass of stage prune: how much goes. Changes the recipe.
void fit_share(RunState& run);
// All else. Changes the settings.
void fit_goal(RunState& run);

}  // namespace tinyc
