#include "tinyc/coding/entropy.h"

#include <array>
#include <cmath>

namespace tinyc {

double entropy_bits(std::span<const int8_t> levels) {
  std::array<int64_t, 256> counts{};
  for (const int8_t level : levels) ++counts[static_cast<uint8_t>(level)];
  double bits = 0.0;
  for (const int64_t count : counts) {
    if (count > 0) {
      bits -= static_cast<double>(count) * std::log2(static_cast<double>(count) / static_cast<double>(levels.size()));
    }
  }
  return bits;
}

}  // namespace tinyc
