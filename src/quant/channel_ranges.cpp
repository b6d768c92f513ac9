#include "tinyc/quant/channel_ranges.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "quant/channel_maps.h"
#include "tinyc/base/parallel.h"
#include "tinyc/eval/program.h"

namespace tinyc {
namespace {

ChannelRanges empty_ranges(std::vector<int32_t> channels) {
  std::sort(channels.begin(), channels.end());
  channels.erase(std::unique(channels.begin(), channels.end()), channels.end());
  const std::vector<double> zeros(channels.size(), 0.0);
  const std::vector<double> none(channels.size(), std::numeric_limits<double>::infinity());
  std::vector<double> high(channels.size(), -std::numeric_limits<double>::infinity());
  return {std::move(channels), none, std::move(high), zeros, zeros};
}

// The map with each channel replaced by its position in the list.
ChannelMap positions(const ChannelMap& map, const std::vector<int32_t>& channels) {
  ChannelMap result = map;
  for (int32_t& channel : result.channels) {
    channel = static_cast<int32_t>(std::lower_bound(channels.begin(), channels.end(), channel) - channels.begin());
  }
  return result;
}

void add(const Tensor& tensor, const ChannelMap& places, ChannelRanges& ranges) {
  const std::vector<int32_t> place = channel_maps::expand(places, tensor.dims());
  const auto data = tensor.data<float>();
  for (size_t i = 0; i < data.size(); ++i) {
    const auto at = static_cast<size_t>(place[i]);
    const auto x = static_cast<double>(data[i]);
    ranges.low[at] = std::min(ranges.low[at], x);
    ranges.high[at] = std::max(ranges.high[at], x);
    ranges.energy[at] += x * x;
    ranges.elements[at] += 1;
  }
}

void merge(const ChannelRanges& part, ChannelRanges& total) {
  for (size_t at = 0; at < total.channels.size(); ++at) {
    total.low[at] = std::min(total.low[at], part.low[at]);
    total.high[at] = std::max(total.high[at], part.high[at]);
    total.energy[at] += part.energy[at];
    total.elements[at] += part.elements[at];
  }
}

}  // namespace

double ChannelRanges::mean_square() const {
  const double count = std::accumulate(elements.begin(), elements.end(), 0.0);
  return count == 0 ? 0 : std::accumulate(energy.begin(), energy.end(), 0.0) / count;
}

std::vector<ChannelRanges> channel_ranges(const Graph& graph, const FreeChannels& channels,
                                          std::span<const ValueId> values, std::span<const Sample> samples,
                                          int threads) {
  std::vector<ChannelRanges> total;
  std::vector<ChannelMap> places;
  std::map<ValueId, size_t> slots;
  for (ValueId id : values) {
    const ChannelMap& map = channels.maps[index_of(id)];
    total.push_back(empty_ranges(map.channels));
    places.push_back(positions(map, total.back().channels));
    slots.emplace(id, slots.size());
  }
  Program::Options options;
  options.observed.assign(values.begin(), values.end());
  const Program program(graph, options);
  std::vector<Workspace> workspaces(static_cast<size_t>(std::max(threads, 1)));
  // Sums of each sample alone, merged in the order of samples: no thread has a part in the rounding.
  std::vector<std::vector<ChannelRanges>> parts(samples.size(), total);
  parallel_for(static_cast<int64_t>(samples.size()), threads, [&](int64_t sample, int thread) {
    const auto at = static_cast<size_t>(sample);
    static_cast<void>(
        program.run(samples[at], workspaces[static_cast<size_t>(thread)], [&](ValueId id, const Tensor& tensor) {
          const size_t slot = slots.at(id);
          add(tensor, places[slot], parts[at][slot]);
        }));
  });
  for (const std::vector<ChannelRanges>& part : parts) {
    for (size_t slot = 0; slot < total.size(); ++slot) merge(part[slot], total[slot]);
  }
  return total;
}

}  // namespace tinyc
