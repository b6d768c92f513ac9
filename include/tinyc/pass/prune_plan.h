// How many weights each layer loses, so that a model reaches a share of zeros at the least error.
//
// Problem: of all the units of weights in the model choose those that together make up the share and cost the outputs
// of the model least. A criterion (quant/pruning.h) knows what a unit costs the row of its layer that it is in. Method:
// every layer's units are ranked on the data of the float model; what a row's error is worth is measured at the end of
// the model (quant/noise_gains.h); then the units with the least cost times worth go, over all layers. Why: costs of
// units that share inputs are known exactly to the second order, and errors of different rows add up where they are not
// correlated. Which units go is decided anew when the layers before are pruned: the plan says only how many. Cost: a
// ranking of every layer, and that of the gains.
#pragma once

#include <map>
#include <string>

#include "tinyc/pass/context.h"
#include "tinyc/pass/linear_layer.h"
#include "tinyc/quant/prune_spec.h"

namespace tinyc {

enum class PruneShares : uint8_t {
  kUniform,   // the same in each layer; also for criteria whose costs cannot be compared between layers
  kPower,     // a row is worth 1 over the power of its layer's output
  kMeasured,  // rows are worth what their errors do at the end of the model
};

struct PruneRequest {
  PruneSpec spec;
  const CriterionDef* criterion = nullptr;
  PruneShares shares = PruneShares::kMeasured;
  const NoiseGains* gains = nullptr;  // for kMeasured
};

struct LayerPlan {
  int64_t weights = 0;    // how many go
  std::string why_dense;  // empty: the layer is pruned
};
using PrunePlan = std::map<std::string, LayerPlan, std::less<>>;  // by name of the weight's value

// Elements of a kernel of the layer's weights: 1 for a matrix.
int64_t taps_of(const Graph& graph, const LinearLayer& layer);

// Each group's order, near these targets; costs are in terms of what rows are worth, where that is measured.
std::vector<Ranking> rank_layer(const Graph& graph, const LinearLayer& layer, const PruneRequest& request,
                                std::span<const OutputError> errors, const PassContext& context);

// For every layer of the float graph.
PrunePlan plan_pruning(const Graph& graph, const PruneRequest& request, const PassContext& context);

}  // namespace tinyc
