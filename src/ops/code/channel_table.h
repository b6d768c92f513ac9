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
  std::vector<int32_t> kinds;  // pairs of multiplier and factor
  int64_t bytes() const { return static_cast<int64_t>(2 * words.size() + 4 * kinds.size()); }
};

// Nothing where multipliers are too many, biases have too many bits, or it would not be shorter.
std::optional<ShortChannels> shorten_channels(std::span<const int32_t> channels);

}  // namespace tinyc
