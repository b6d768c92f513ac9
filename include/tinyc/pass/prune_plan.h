// How many weights each layer loses, so that a model reaches a share of zeros at the least error.
//
// Problem: of all the units of weights in the model choose those that together make up the share and cost the outputs
// of the model least. A criterion (quant/pruning.h) knows what a unit costs its layer's output; a layer's gain is what
// the model's end loses by a unit of cost in that layer. Method: every layer's units are ranked on the data of the
// float model; each layer alone is pruned (until it has lost a little) and the error at the end of the model is
// measured on the samples, which gives the gain; then the units with the least cost times gain go, over all layers.
// Why: costs of units that share inputs are known exactly to the second order, and errors of different layers add up
// where they are not correlated. Which units go is decided anew when the layers before are pruned: the plan says only
// how many. Cost: a ranking of every layer and, of the model's run over the samples, half a run a layer.
#pragma once

#include <map>
#include <string>

#include "tinyc/pass/context.h"
#include "tinyc/pass/linear_layer.h"
#include "tinyc/quant/prune_spec.h"

namespace tinyc {

enum class PruneShares : uint8_t {
  kUniform,   // the same in each layer; also for criteria whose costs cannot be compared between layers
  kPower,     // gains are taken to be 1 over the power of the layer's output
  kMeasured,  // gains are measured
};

struct PruneRequest {
  PruneSpec spec;
  const CriterionDef* criterion = nullptr;
  PruneShares shares = PruneShares::kMeasured;
};

struct LayerPlan {
  int64_t weights = 0;    // how many go
  std::string why_dense;  // empty: the layer is pruned
};
using PrunePlan = std::map<std::string, LayerPlan, std::less<>>;  // by name of the weight's value

// Elements of a kernel of the layer's weights: 1 for a matrix.
int64_t taps_of(const Graph& graph, const LinearLayer& layer);

// Each group's order, near these targets.
std::vector<Ranking> rank_layer(const Graph& graph, const LinearLayer& layer, const PruneRequest& request,
                                std::span<const OutputError> errors, const PassContext& context);

// For every layer of the float graph.
PrunePlan plan_pruning(const Graph& graph, const PruneRequest& request, const PassContext& context);

}  // namespace tinyc
