// What the channels of values hold, over samples.
#pragma once

#include <span>
#include <vector>

#include "tinyc/eval/layerwise.h"
#include "tinyc/quant/free_channels.h"

namespace tinyc {

// Of one value, by position in `channels`.
struct ChannelRanges {
  std::vector<int32_t> channels;  // that the value's elements belong to, each once, ascending
  std::vector<double> low, high;  // infinity and -infinity where there are no elements
  std::vector<double> energy;     // sum of squares
  std::vector<double> elements;   // how many there were

  double mean_square() const;  // over all elements
};

// One for each of `values`, which are float, followed and not constant. The same for any number of threads.
std::vector<ChannelRanges> channel_ranges(const Graph& graph, const FreeChannels& channels,
                                          std::span<const ValueId> values, std::span<const Sample> samples,
                                          int threads);

}  // namespace tinyc
