// How alive the inputs of a layer are on data: for pruning criteria that ask for that and not for their power.
#pragma once

#include <span>
#include <vector>

#include "tinyc/quant/pruning.h"

namespace tinyc {

struct InputActivity {
  double zeros = 0;    // share of positions at which the input is 0
  double entropy = 0;  // bits, of a histogram of 16 equal bins from the smallest to the largest input
};

// By column, over some thousands of positions of a group.
std::vector<InputActivity> input_activity(std::span<const LinearForm> samples, int64_t group);

// By magnitudes of weights times what the activity of their input is worth; without data that is 1.
Ranking rank_by_activity(const PruneInput& input, double (*worth)(const InputActivity& column));

}  // namespace tinyc
