#include "driver/choose_program.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace tinyc {
namespace {

// A layer may take so many quarters of the instructions that it takes with plain weights.
constexpr int64_t kMostQuarters = 5;

using LayerCoders = decltype(DeviceOptions::layer_coders);

// The coders of each layer that make it hardly slower, with what it then takes.
class FastForms {
 public:
  FastForms(const Graph& graph, std::span<const CoderDef* const> coders, const TargetDef& target,
            DeviceOptions options) {
    const DeviceCost plain = predict_cost(make_device_program(graph, options), graph, target);
    for (const CoderDef* coder : coders) {
      options.coders = {coder};
      const DeviceCost coded = predict_cost(make_device_program(graph, options), graph, target);
      for (size_t i = 0; i < coded.layers.size(); ++i) {
        const LayerCost& layer = coded.layers[i];
        const bool fast = 4 * layer.instructions <= kMostQuarters * plain.layers[i].instructions;
        if (layer.coding == coder->name && fast) forms_[layer.layer].emplace_back(layer.parts.total(), coder);
      }
    }
  }

  // The smallest of these coders for each layer that has any.
  LayerCoders smallest(std::span<const CoderDef* const> coders) const {
    LayerCoders chosen;
    for (const auto& [layer, forms] : forms_) {
      int64_t least = 0;
      for (const auto& [bytes, coder] : forms) {
        if (std::find(coders.begin(), coders.end(), coder) == coders.end()) continue;
        if (chosen.contains(layer) && bytes >= least) continue;
        chosen[layer] = {coder};
        least = bytes;
      }
    }
    return chosen;
  }

 private:
  std::map<std::string, std::vector<std::pair<int64_t, const CoderDef*>>> forms_;
};

}  // namespace

std::shared_ptr<const DeviceProgram> choose_program(const Graph& graph, std::span<const CoderDef* const> all, bool fast,
                                                    const TargetDef& target, DeviceOptions options) {
  std::vector<std::vector<const CoderDef*>> sets = {{all.begin(), all.end()}};
  if (all.size() > 1) {
    sets.emplace_back();
    for (const CoderDef* coder : all) sets.push_back({coder});
  }
  std::optional<FastForms> forms;
  if (fast) forms.emplace(graph, all, target, options);
  std::shared_ptr<const DeviceProgram> best;
  int64_t least = 0;
  for (const auto& coders : sets) {
    options.coders = coders;
    if (forms) options.layer_coders = forms->smallest(coders);
    if (forms && options.layer_coders.empty()) options.coders.clear();
    auto program = std::make_shared<const DeviceProgram>(make_device_program(graph, options));
    const int64_t bytes = predict_cost(*program, graph, target).flash_bytes();
    if (best == nullptr || bytes < least) {
      best = std::move(program);
      least = bytes;
    }
  }
  return best;
}

}  // namespace tinyc
