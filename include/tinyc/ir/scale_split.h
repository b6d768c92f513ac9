// Several scales as one times small integers, so that integers with different scales can be summed as integers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tinyc/ir/quant_info.h"

namespace tinyc {

struct ScaleSplit {
  double unit = 1.0;             // scales[i] = unit * factors[i], up to the rounding of a float
  std::vector<int32_t> factors;  // 1..most
};

// The largest unit there is; nothing when no factors up to `most` fit. `scales` are positive.
std::optional<ScaleSplit> split_scales(std::span<const float> scales, int32_t most);

// Parameters by blocks as parameters by channel, whose integers are factor * q.
struct BlockSplit {
  QParams params;                // one scale for each index of the channel axis
  std::vector<int32_t> factors;  // by scale of the blocks
};

// Of a value of these dims, whose |q| times its factor must be at most `most`. Nothing where the scales of a channel
// are no small multiples of one another.
std::optional<BlockSplit> split_blocks(const QParams& blocks, std::span<const int64_t> dims, int channel_axis,
                                       int32_t most);

}  // namespace tinyc
