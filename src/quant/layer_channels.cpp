#include <algorithm>
#include <limits>

#include "tinyc/quant/free_channels.h"

namespace tinyc {
namespace {

constexpr size_t kNone = std::numeric_limits<size_t>::max();

void insert_once(std::vector<size_t>& list, size_t item) {
  if (list.empty() || list.back() != item) list.push_back(item);
}

}  // namespace

std::vector<LayerChannels> layer_channels(const FreeChannels& channels) {
  std::vector<LayerChannels> layers;
  std::vector<size_t> layer_of(static_cast<size_t>(channels.count), kNone);
  for (size_t i = 0; i < channels.operands.size(); ++i) {
    LayerChannels layer{.maker = i};
    for (int32_t channel : channels.operands[i].times) {
      size_t& place = layer_of[static_cast<size_t>(channel)];
      if (channel == kFixedChannel || place != kNone) continue;
      place = layers.size();
      layer.channels.push_back(channel);
    }
    if (!layer.channels.empty()) layers.push_back(std::move(layer));
  }
  for (size_t i = 0; i < channels.operands.size(); ++i) {
    const ScaledOperand& operand = channels.operands[i];
    if (!operand.is_weight) continue;
    for (size_t e = 0; e < operand.times.size(); ++e) {
      const size_t made = layer_of[static_cast<size_t>(operand.times[e])];
      const size_t read = layer_of[static_cast<size_t>(operand.over[e])];
      if (made != kNone) insert_once(layers[made].makers, i);
      if (read != kNone) insert_once(layers[read].readers, i);
    }
  }
  return layers;
}

}  // namespace tinyc
