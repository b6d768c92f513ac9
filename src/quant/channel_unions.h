// Channels of which some turn out to be the same: union-find in which the smallest number stands for its set, so that
// whatever is united with channel 0 is channel 0.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "quant/channel_maps.h"

namespace tinyc {

class ChannelUnions {
 public:
  size_t size() const { return parent_.size(); }

  std::vector<int32_t> add(size_t count) {
    std::vector<int32_t> channels(count);
    for (int32_t& channel : channels) {
      channel = static_cast<int32_t>(parent_.size());
      parent_.push_back(channel);
    }
    return channels;
  }

  int32_t root(int32_t channel) {
    if (channel == channel_maps::kAnyChannel) return channel;
    while (parent(channel) != channel) channel = parent(channel) = parent(parent(channel));
    return channel;
  }

  int32_t unite(int32_t a, int32_t b) {
    a = root(a);
    b = root(b);
    if (a == channel_maps::kAnyChannel || b == channel_maps::kAnyChannel) return std::max(a, b);
    return parent(std::max(a, b)) = std::min(a, b);
  }

  // By channel: the number of its set, without gaps; `count` is how many sets there are.
  std::vector<int32_t> numbers(int32_t& count) {
    std::vector<int32_t> numbers(parent_.size());
    count = 0;
    for (size_t i = 0; i < numbers.size(); ++i) {
      const int32_t at = root(static_cast<int32_t>(i));
      numbers[i] = at == static_cast<int32_t>(i) ? count++ : numbers[static_cast<size_t>(at)];
    }
    return numbers;
  }

 private:
  int32_t& parent(int32_t channel) { return parent_[static_cast<size_t>(channel)]; }

  std::vector<int32_t> parent_{0};
};

}  // namespace tinyc
