#include "quant/channel_maps.h"

#include <algorithm>
#include <numeric>
#include <span>

namespace tinyc::channel_maps {

Dims broadcast(const Dims& a, const Dims& b) {
  Dims dims(std::max(a.size(), b.size()), 1);
  for (const Dims* each : {&a, &b}) {
    const size_t first = dims.size() - each->size();
    for (size_t i = 0; i < each->size(); ++i) dims[first + i] = std::max(dims[first + i], (*each)[i]);
  }
  return dims;
}

std::vector<int32_t> expand(const ChannelMap& map, const Dims& dims) {
  std::vector<int64_t> steps(dims.size(), 0);  // in the map, by axis of dims
  int64_t step = 1;
  for (size_t i = map.dims.size(); i-- > 0;) {
    if (map.dims[i] > 1) steps[dims.size() - map.dims.size() + i] = step;
    step *= map.dims[i];
  }
  std::vector<int32_t> result(static_cast<size_t>(element_count(dims)));
  Dims at(dims.size(), 0);
  int64_t from = 0;
  for (int32_t& channel : result) {
    channel = map.channels[static_cast<size_t>(from)];
    for (size_t i = dims.size(); i-- > 0;) {
      from += steps[i];
      if (++at[i] < dims[i]) break;
      from -= steps[i] * dims[i];
      at[i] = 0;
    }
  }
  return result;
}

ChannelMap fold_axis(const ChannelMap& map, size_t axis, const std::function<int32_t(int32_t, int32_t)>& combine) {
  const auto extent = static_cast<size_t>(map.dims[axis]);
  const auto inner = static_cast<size_t>(element_count(std::span(map.dims).subspan(axis + 1)));
  ChannelMap folded{map.dims, {}};
  folded.dims[axis] = 1;
  for (size_t outer = 0; outer < map.channels.size(); outer += extent * inner) {
    for (size_t i = 0; i < inner; ++i) {
      int32_t channel = map.channels[outer + i];
      for (size_t k = 1; k < extent; ++k) channel = combine(channel, map.channels[outer + k * inner + i]);
      folded.channels.push_back(channel);
    }
  }
  return folded;
}

ChannelMap compress(ChannelMap map) {
  for (size_t axis = 0; axis < map.dims.size(); ++axis) {
    if (map.dims[axis] == 1) continue;
    bool same = true;
    ChannelMap folded = fold_axis(map, axis, [&](int32_t a, int32_t b) {
      same = same && (a == b || a == kAnyChannel || b == kAnyChannel);
      return std::max(a, b);
    });
    if (same) map = std::move(folded);
  }
  return map;
}

Tensor as_floats(const std::vector<int32_t>& channels, const Dims& dims) {
  Tensor tensor = Tensor::zeros(DataType::kFloat, dims);
  const auto data = tensor.mutable_data<float>();
  std::transform(channels.begin(), channels.end(), data.begin(),
                 [](int32_t channel) { return static_cast<float>(channel + 1); });
  return tensor;
}

std::vector<int32_t> from_floats(const Tensor& tensor) {
  std::vector<int32_t> channels;
  for (const float x : tensor.data<float>()) channels.push_back(static_cast<int32_t>(x) - 1);
  return channels;
}

}  // namespace tinyc::channel_maps
