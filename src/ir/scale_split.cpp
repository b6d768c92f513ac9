#include "tinyc/ir/scale_split.h"

#include <algorithm>
#include <cmath>

#include "tinyc/ir/linear_quantization.h"

namespace tinyc {

std::optional<ScaleSplit> split_scales(std::span<const float> scales, int32_t most) {
  constexpr double kSlack = 0x1p-16;  // relative: scales are floats, rounded once or twice
  const auto largest = static_cast<double>(*std::max_element(scales.begin(), scales.end()));
  for (int32_t count = 1; count <= most; ++count) {
    ScaleSplit split{largest / count, {}};
    for (const float scale : scales) {
      const double ratio = static_cast<double>(scale) / split.unit;
      const double factor = std::round(ratio);
      if (factor < 1 || std::abs(ratio - factor) > factor * kSlack) break;
      split.factors.push_back(static_cast<int32_t>(factor));
    }
    if (split.factors.size() == scales.size()) return split;
  }
  return std::nullopt;
}

std::optional<BlockSplit> split_blocks(const QParams& blocks, std::span<const int64_t> dims, int channel_axis,
                                       int32_t most) {
  BlockSplit split{blocks, std::vector<int32_t>(blocks.scales.size(), 1)};
  split.params.axis = channel_axis;
  split.params.block = 0;
  const auto channels = static_cast<size_t>(dims[static_cast<size_t>(channel_axis)]);
  const ScaleIndex block_of(blocks, dims);
  const ScaleIndex channel_of(split.params, dims);
  std::vector<std::vector<size_t>> of_channel(channels);  // blocks, each once
  std::vector<bool> seen(blocks.scales.size(), false);
  for (int64_t i = 0; i < element_count(dims); ++i) {
    const size_t block = block_of(i);
    if (!seen[block]) of_channel[channel_of(i)].push_back(block);
    seen[block] = true;
  }
  split.params.scales.clear();
  for (const std::vector<size_t>& own : of_channel) {
    std::vector<float> scales;
    for (const size_t block : own) scales.push_back(blocks.scales[block]);
    const auto found = scales.empty() ? std::optional(ScaleSplit()) : split_scales(scales, most);
    if (!found) return {};
    split.params.scales.push_back(static_cast<float>(found->unit));
    for (size_t i = 0; i < own.size(); ++i) split.factors[own[i]] = found->factors[i];
  }
  split.params.zero_points.assign(channels, 0);
  return split;
}

}  // namespace tinyc
