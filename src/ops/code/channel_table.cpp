#include "ops/code/channel_table.h"

#include <algorithm>
#include <bit>
#include <map>

namespace tinyc {
namespace {

constexpr size_t kMostKinds = 16;
constexpr int32_t kMostCode = 2047;

struct Kind {
  int32_t index = 0;
  int shift = 0;  // biases are codes times 2^shift
};

// The least shift with which the code of the bias fits.
int shift_for(int32_t bias) {
  int shift = 0;
  while (std::abs(int64_t{bias} >> shift) > kMostCode) ++shift;
  return shift;
}

}  // namespace

std::optional<ShortChannels> shorten_channels(std::span<const int32_t> channels) {
  std::map<int32_t, Kind> kinds;  // by multiplier
  for (size_t i = 0; i < channels.size(); i += 2) {
    const auto [found, added] = kinds.try_emplace(channels[i + 1]);
    if (added) found->second.index = static_cast<int32_t>(kinds.size()) - 1;
    if (kinds.size() > kMostKinds) return {};
    found->second.shift = std::max(found->second.shift, shift_for(channels[i]));
  }
  ShortChannels shorter;
  shorter.kinds.resize(2 * kinds.size());
  for (const auto& [multiplier, kind] : kinds) {
    const size_t at = 2 * static_cast<size_t>(kind.index);
    shorter.kinds[at] = multiplier;
    shorter.kinds[at + 1] = int32_t{1} << kind.shift;
  }
  for (size_t i = 0; i < channels.size(); i += 2) {
    const Kind& kind = kinds.at(channels[i + 1]);
    const int32_t code = channels[i] >> kind.shift;
    if (code * (int32_t{1} << kind.shift) != channels[i]) return {};
    shorter.words.push_back(static_cast<int16_t>(16 * code + kind.index));
  }
  if (shorter.bytes() >= static_cast<int64_t>(4 * channels.size())) return {};
  return shorter;
}

}  // namespace tinyc
