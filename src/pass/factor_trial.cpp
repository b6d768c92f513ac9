#include "tinyc/pass/factor_trial.h"

#include <algorithm>
#include <cmath>

#include "tinyc/eval/computable.h"
#include "tinyc/ops/infer.h"
#include "tinyc/pass/trial.h"

namespace tinyc {
namespace {

constexpr double kLeastFactor = 1e-2;  // |log factor| of a layer's channels that is worth a trial

// Layers some of whose channels have a factor that matters.
std::vector<LayerChannels> scaled_layers(const FreeChannels& channels, std::span<const double> factors) {
  std::vector<LayerChannels> layers = layer_channels(channels);
  const auto is_idle = [&](const LayerChannels& layer) {
    return std::all_of(layer.channels.begin(), layer.channels.end(), [&](int32_t channel) {
      return std::abs(std::log(factors[static_cast<size_t>(channel)])) < kLeastFactor;
    });
  };
  layers.erase(std::remove_if(layers.begin(), layers.end(), is_idle), layers.end());
  return layers;
}

Graph scaled_by(Graph graph, const FreeChannels& channels, std::span<const double> factors) {
  scale_channels(graph, channels, factors);
  infer_types(graph);
  return graph;
}

const std::vector<double>& best_of(const std::vector<std::vector<double>>& candidates, const Graph& graph,
                                   const FreeChannels& channels, const QuantizationTrial& trial) {
  size_t best = 0;
  double least = 0;
  for (size_t i = 0; i < candidates.size() && candidates.size() > 1; ++i) {
    const double error = trial.error(scaled_by(graph, channels, candidates[i]));
    if (i == 0 || error < least) {
      least = error;
      best = i;
    }
  }
  return candidates[best];
}

}  // namespace

bool keep_helpful_factors(Graph& graph, const FreeChannels& channels,
                          const std::vector<std::vector<double>>& candidates, PassContext& context) {
  const std::vector<LayerChannels> layers = scaled_layers(channels, candidates.front());
  if (layers.empty()) return false;
  if (context.samples.size() < 2 || computable_part(graph).nodes.size() != graph.nodes.size()) {
    context.note("model", "skipped: there are no calibration samples to judge by");
    return false;
  }
  const QuantizationTrial trial(graph, context);
  const std::vector<double>& factors = best_of(candidates, graph, channels, trial);
  const auto chosen_factors = [&](const std::vector<bool>& chosen) {
    std::vector<double> some(factors.size(), 1.0);
    for (size_t i = 0; i < layers.size(); ++i) {
      for (int32_t channel : layers[i].channels) {
        if (chosen[i]) some[static_cast<size_t>(channel)] = factors[static_cast<size_t>(channel)];
      }
    }
    return some;
  };
  const std::vector<bool> kept = choose_changes(trial, layers.size(), [&](const std::vector<bool>& chosen) {
    return scaled_by(graph, channels, chosen_factors(chosen));
  });
  for (size_t i = 0; i < layers.size(); ++i) {
    const Node& maker = graph[channels.operands[layers[i].maker].node];
    context.note(maker.name, kept[i] ? std::to_string(layers[i].channels.size()) + " output channels scaled"
                                     : "left as it was: scaling its output channels does not lower the error");
    context.count(kept[i] ? "layers" : "layers_left");
  }
  if (std::find(kept.begin(), kept.end(), true) == kept.end()) return false;
  scale_channels(graph, channels, chosen_factors(kept));
  return true;
}

}  // namespace tinyc
