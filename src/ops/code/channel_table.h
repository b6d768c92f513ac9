// The table of channels of a product (pairs of bias and multiplier) in a shorter form, where it has one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tinyc {

// As rt/channels_s8.h reads it.
struct ShortChannels {
  std::vector<int16_t> words;  // by channel
  int32_t multiplier = 0;      // the largest
  int32_t below = 0;           // 1 where that was rounded up
  int32_t unit = 0;            // of the codes of its biases
};

// Nothing where multipliers are not one number times powers of two, or biases have too many bits.
std::optional<ShortChannels> shorten_channels(std::span<const int32_t> channels);

}  // namespace tinyc
