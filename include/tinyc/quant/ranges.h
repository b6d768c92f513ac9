// The ranges that annotation turns into parameters.
#pragma once

#include <vector>

#include "tinyc/quant/statistics.h"
#include "tinyc/quant/storage_plan.h"

namespace tinyc {

// The values whose statistics annotate needs: the computed sources of all groups without a fixed range.
std::vector<ValueId> observed_values(const Graph& graph, const StoragePlan& plan);

// The range of a group: statistics of its sources merged (constants count themselves), through the settings' observer.
// Throws Error(kUsage) when the statistics do not hold a source: they are of another model.
ValueRange range_of_group(const Graph& graph, const StoragePlan::Group& group, const Statistics& statistics,
                          const QuantizationSettings& settings);

// The largest magnitude to keep of each slice of `weights` along axis (-1: of the whole), through the weight observer.
std::vector<float> weight_magnitudes(const Tensor& weights, int axis, const QuantizationSettings& settings);

}  // namespace tinyc
