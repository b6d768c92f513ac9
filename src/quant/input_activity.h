// How alive the inputs of a layer are on data: for pruning criteria that ask for that and not for their power.
#pragma once

#include <span>
#include <vector>

#include "tinyc/ops/linear.h"

namespace tinyc {

struct InputActivity {
  double zeros = 0;    // share of positions at which the input is 0
  double entropy = 0;  // bits, of a histogram of 16 equal bins from the smallest to the largest input
};

// By column, over some thousands of positions of a group.
std::vector<InputActivity> input_activity(std::span<const LinearForm> samples, int64_t group);

}  // namespace tinyc
