// Which structures a float model can do without, in the order of the harm that it does to take them out.
//
// Problem: a structure (quant/structures.h) leaves a model with the rows of the layers that make it and the inputs of
// the layers that read it. Find some that together take away a share of the multiply-accumulates, or a number of them,
// at the least error. Method: what a part costs is what its readers' outputs lose, beside their power, when all their
// other inputs make up for it (src/quant/channel_surgeon.h). Greedily the part goes that costs least for each
// multiply-accumulate it saves now; then its readers' losses are found anew. A layer keeps at least one row. Cost: for
// each part that goes a run over its readers' other inputs.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "tinyc/quant/second_order.h"

namespace tinyc {

inline constexpr int32_t kNoPart = -1;

// A layer that makes or reads parts.
struct HarmedLayer {
  LinearForm form;                                   // of any sample
  std::vector<std::vector<int32_t>> part_of_row;     // [group][row]; kNoPart: of none
  std::vector<std::vector<int32_t>> part_of_column;  // [group][column]
  std::vector<OutputError> errors = {};              // [group]: of the float model
  std::vector<std::vector<bool>> silent = {};        // [group]: columns that are 0 in all data
  double power = 0;                                  // of its output
  double macs = 0;                                   // of the layer
};

// Enough when either of the first two is reached.
struct HarmGoal {
  double macs = std::numeric_limits<double>::infinity();  // saved
  int64_t parts = std::numeric_limits<int64_t>::max();
  size_t finalists = 1;
  double focus = 1;  // a part is judged by its cost for what it saves to this power
};

struct PartChoice {
  std::vector<bool> gone;  // by part
  int64_t parts = 0;       // that are gone
  double macs = 0;         // saved
  double loss = 0;         // sum of shares of readers' powers
};

struct Finalist {
  int32_t part;
  double saved;  // multiply-accumulates
};
// Which of the finalists goes next; `gone` by part.
using FinalJudge = std::function<size_t(std::span<const Finalist> finalists, const std::vector<bool>& gone)>;

// Parts 0..parts-1 in turn, until the goal is reached or no part may go any more. With a judge the best by cost are
// finalists, as many as the goal says, of which it chooses; parts that cost nothing go before.
PartChoice choose_parts(int32_t parts, std::span<const HarmedLayer> layers, const HarmGoal& goal,
                        const FinalJudge& judge = {});

}  // namespace tinyc
