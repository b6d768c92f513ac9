#include "ops/code/channel_table.h"

#include <algorithm>
#include <bit>

namespace tinyc {
namespace {

constexpr int kMostShift = 15;
constexpr int32_t kMostCode = 2047;

// How often each multiplier halves the largest, `twice` being twice that less `below`; nothing where one does not.
std::optional<std::vector<int>> halvings(std::span<const int32_t> channels, uint32_t twice) {
  std::vector<int> found;
  for (size_t i = 1; i < channels.size(); i += 2) {
    int k = 0;
    while (k <= kMostShift && ((twice >> k) + 1) >> 1 != static_cast<uint32_t>(channels[i])) ++k;
    if (k > kMostShift) return {};
    found.push_back(k);
  }
  return found;
}

// The largest power of two whose product with 2^shift divides each bias; codes of it are the smallest.
int unit_shift(std::span<const int32_t> channels, std::span<const int> shifts) {
  int least = 30 - *std::max_element(shifts.begin(), shifts.end());
  for (size_t c = 0; c < shifts.size(); ++c) {
    const auto bias = static_cast<uint32_t>(channels[2 * c]);
    if (bias != 0) least = std::min(least, std::countr_zero(bias) - shifts[c]);
  }
  return least;
}

}  // namespace

std::optional<ShortChannels> shorten_channels(std::span<const int32_t> channels) {
  ShortChannels shorter;
  for (size_t i = 1; i < channels.size(); i += 2) shorter.multiplier = std::max(shorter.multiplier, channels[i]);
  if (shorter.multiplier == 0) return {};
  const uint32_t twice = 2 * static_cast<uint32_t>(shorter.multiplier);
  std::optional<std::vector<int>> shifts = halvings(channels, twice);
  if (!shifts) {
    shorter.below = 1;
    shifts = halvings(channels, twice - 1);
  }
  if (!shifts) return {};
  const int unit = unit_shift(channels, *shifts);
  if (unit < 0) return {};
  shorter.unit = int32_t{1} << unit;
  for (size_t c = 0; c < shifts->size(); ++c) {
    const int32_t code = channels[2 * c] >> (unit + (*shifts)[c]);
    if (std::abs(code) > kMostCode) return {};
    shorter.words.push_back(static_cast<int16_t>(16 * code + (*shifts)[c]));
  }
  return shorter;
}

}  // namespace tinyc
