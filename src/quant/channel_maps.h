// Arithmetic on maps of channels: broadcasting and folding of axes.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "tinyc/ir/tensor.h"
#include "tinyc/quant/free_channels.h"

namespace tinyc::channel_maps {

// The channel of an element that is 0 whatever the factors are.
inline constexpr int32_t kAnyChannel = -1;

// Dims of the shape that both broadcast to, as many as the longer list.
Dims broadcast(const Dims& a, const Dims& b);

// Channels of a map for every element of `dims`, which it broadcasts to.
std::vector<int32_t> expand(const ChannelMap& map, const Dims& dims);

// The axis becomes 1: what lies along it goes through `combine`, in order.
ChannelMap fold_axis(const ChannelMap& map, size_t axis, const std::function<int32_t(int32_t, int32_t)>& combine);

// Axes along which nothing differs become 1; kAnyChannel differs from nothing.
ChannelMap compress(ChannelMap map);

// Channel numbers as a tensor that an op can move; kAnyChannel is 0.
Tensor as_floats(const std::vector<int32_t>& channels, const Dims& dims);
std::vector<int32_t> from_floats(const Tensor& tensor);

}  // namespace tinyc::channel_maps
