// Which channels a float model can do without, in the order of the harm that it does to take them out.
//
// Problem: a channel leaves a model with all that is tied to it: the rows of the layers that make it, depthwise layers
// it passes through, and the inputs of the layers that read it. Find channels that together take away a share of the
// multiply-accumulates at the least error. Method: channels are those of quant/free_channels.h; those that a depthwise
// layer makes of one another go together, as one part. What a part costs is what its readers' outputs lose, beside
// their power, when all their other inputs make up for it (src/quant/channel_surgeon.h). Greedily the part goes that
// costs least for each multiply-accumulate it saves now; then its readers' losses are found anew. A layer keeps at
// least one row. Cost: for each part that goes a run over its readers' other inputs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tinyc/quant/free_channels.h"
#include "tinyc/quant/second_order.h"

namespace tinyc {

// A layer that makes or reads channels.
struct HarmedLayer {
  size_t operand;                              // of FreeChannels: its weights
  LinearForm form;                             // of any sample
  std::vector<OutputError> errors = {};        // [group]: of the float model
  std::vector<std::vector<bool>> silent = {};  // [group]: columns that are 0 in all data
  double power = 0;                            // of its output
  double macs = 0;                             // of the layer
};

struct ChannelChoice {
  std::vector<bool> gone;  // by channel of FreeChannels
  int64_t channels = 0;    // that are gone
  double macs = 0;         // saved
  double loss = 0;         // sum of shares of readers' powers
};

// Parts in turn until `macs` are saved, or no part may go any more.
ChannelChoice choose_channels(const FreeChannels& channels, std::span<const HarmedLayer> layers, double macs);

}  // namespace tinyc
