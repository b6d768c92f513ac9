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

}  // namespace

bool keep_helpful_factors(Graph& graph, const FreeChannels& channels, std::span<const double> factors,
                          PassContext& context) {
  const std::vector<LayerChannels> layers = scaled_layers(channels, factors);
  if (layers.empty()) return false;
  if (context.samples.size() < 2 || computable_part(graph).nodes.size() != graph.nodes.size()) {
    context.note("model", "skipped: there are no calibration samples to judge by");
    return false;
  }
  const auto chosen_factors = [&](const std::vector<bool>& chosen) {
    std::vector<double> some(factors.size(), 1.0);
    for (size_t i = 0; i < layers.size(); ++i) {
      for (int32_t channel : layers[i].channels) {
        if (chosen[i]) some[static_cast<size_t>(channel)] = factors[static_cast<size_t>(channel)];
      }
    }
    return some;
  };
  const auto build = [&](const std::vector<bool>& chosen) {
    Graph scaled = graph;
    scale_channels(scaled, channels, chosen_factors(chosen));
    infer_types(scaled);
    return scaled;
  };
  const std::vector<bool> kept = choose_changes(QuantizationTrial(graph, context), layers.size(), build);
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
