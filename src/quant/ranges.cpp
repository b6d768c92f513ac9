#include "tinyc/quant/ranges.h"

#include <algorithm>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

ValueStatistics statistics_of(const Graph& graph, ValueId id, const Statistics& statistics) {
  const Value& value = graph[id];
  if (value.constant) {
    ValueStatistics own;
    own.recent.push_back(own.histogram.add(value.constant->data<float>()));
    return own;
  }
  const ValueStatistics* found = statistics.find(value.name);
  if (found == nullptr) {
    throw Error(ErrorKind::kUsage, "the statistics hold nothing for value '" + value.name + "'",
                "they were collected from another model, or with other options; calibrate again");
  }
  return *found;
}

// The range of each sample over all sources together.
void merge_recent(std::vector<ValueRange>& into, const std::vector<ValueRange>& other) {
  const size_t common = std::min(into.size(), other.size());
  for (size_t i = 0; i < common; ++i) {
    ValueRange& range = into[into.size() - 1 - i];
    const ValueRange& added = other[other.size() - 1 - i];
    range = {std::min(range.low, added.low), std::max(range.high, added.high)};
  }
}

}  // namespace

std::vector<ValueId> observed_values(const Graph& graph, const StoragePlan& plan) {
  std::vector<ValueId> values;
  for (const StoragePlan::Group& group : plan.groups) {
    if (group.fixed) continue;
    std::copy_if(group.sources.begin(), group.sources.end(), std::back_inserter(values),
                 [&](ValueId id) { return !graph[id].constant.has_value(); });
  }
  return values;
}

ValueRange range_of_group(const Graph& graph, const StoragePlan::Group& group, const Statistics& statistics,
                          const QuantizationSettings& settings) {
  TINYC_CHECK(!group.sources.empty());
  ValueStatistics merged = statistics_of(graph, group.sources.front(), statistics);
  for (size_t i = 1; i < group.sources.size(); ++i) {
    const ValueStatistics other = statistics_of(graph, group.sources[i], statistics);
    merged.histogram.merge(other.histogram);
    merge_recent(merged.recent, other.recent);
  }
  const int levels = 1 << bits_of(settings.activations);
  return parse_observer(settings.observer).range(merged, levels, settings.symmetric_activations);
}

std::vector<float> weight_magnitudes(const Tensor& weights, int axis, const QuantizationSettings& settings) {
  const Observer observer = parse_observer(settings.weight_observer);
  std::vector<float> magnitudes;
  for (const ValueRange& range : weight_ranges(weights, axis, observer, 1 << settings.weight_bits, true)) {
    magnitudes.push_back(std::max(-range.low, range.high));
  }
  return magnitudes;
}

}  // namespace tinyc
