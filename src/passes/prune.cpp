// prune: holds weights at 0, as many as asked for, and makes the others do their work.
//
// Problem: a share of a model's weights is to be 0 (single ones, so many of each few neighbours, whole kernels or rows)
// and the outputs are to lose as little as possible. Method: how many go in which layer is planned for the whole model
// (pass/prune_plan.h); then, layer by layer with all earlier layers already pruned (pass/layer_fit.h), the units that
// cost the layer's output least go (quant/pruning.h), the weights that stay are solved for again in closed form
// (best_with_zeros), for a target that also makes up for what earlier layers lost, and so is the bias. Layers of few
// weights that stay dense (depthwise ones) are fitted too. Passes that change weights later find in context.masks which
// are held at 0. Cost: that of the plan and of one more ranking of each layer.
#include <algorithm>
#include <array>
#include <cstdio>

#include "tinyc/base/error.h"
#include "tinyc/base/text.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/masked_weights.h"
#include "tinyc/pass/prune_plan.h"
#include "tinyc/quant/kernel_patterns.h"
#include "tinyc/quant/mask_swaps.h"

namespace tinyc {
namespace {

struct Options {
  std::string amount = "0.5";
  std::string criterion = "obs";
  std::string layers = "measured";
};
constexpr Opt<Options> kOptions[] = {
    {"amount", &Options::amount, "what goes: 0.8, 2:4, kernels:0.5, rows:0.25, vectors:4:0.5, patterns:4"},
    {"criterion", &Options::criterion, "what goes first; see `tinyc list criteria`"},
    {"layers", &Options::layers,
     "shares of layers: measured (by what the model loses), power (by what their outputs lose), uniform"}};

PruneShares parse_shares(const std::string& name) {
  constexpr std::array<std::string_view, 3> kNames = {"uniform", "power", "measured"};
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found != kNames.end()) return static_cast<PruneShares>(found - kNames.begin());
  throw Error(ErrorKind::kUsage, "pass 'prune': layers cannot be '" + name + "'", spelling_hint(name, kNames));
}

class Pruning final : public MaskedWeights {
 public:
  Pruning(const PruneRequest& request, const PrunePlan& plan, PassContext& context)
      : MaskedWeights(context), request_(request), plan_(plan), given_(context.masks), context_(context) {}

  bool must_change(const Graph& graph, const LinearLayer& layer) const override {
    return planned(graph, layer) != nullptr || MaskedWeights::must_change(graph, layer);
  }

  void choose(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) override {
    hold(graph, layer, errors, false);
    MaskedWeights::choose(graph, layer, std::move(errors));
  }
  // With a quota, weights may change places after the first choice.
  bool is_thorough() const override { return request_.spec.of > 0; }
  void choose_thoroughly(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) override {
    hold(graph, layer, errors, true);
    MaskedWeights::choose(graph, layer, std::move(errors));
  }

 private:
  // Null: the layer stays dense.
  const LayerPlan* planned(const Graph& graph, const LinearLayer& layer) const {
    const auto found = plan_.find(graph[weight_id(graph, layer)].name);
    return found != plan_.end() && found->second.why_dense.empty() ? &found->second : nullptr;
  }

  // Decides which weights of the layer are 0, beside those that were so before.
  void hold(const Graph& graph, const LinearLayer& layer, std::span<const OutputError> errors, bool swap) {
    const LayerPlan* plan = planned(graph, layer);
    if (plan == nullptr) return;
    const int64_t taps = taps_of(graph, layer);
    const PruneUnits units = prune_units(request_.spec, layer.form(), taps);
    const std::vector<Ranking> rankings = rank_layer(graph, layer, request_, errors, context_);
    const std::vector<GroupMask> chosen = request_.spec.unit == PruneUnit::kPattern
                                              ? hold_patterns(rankings, units, taps, request_.spec.kept)
                                              : hold_cheapest(errors, rankings, units, plan->weights);
    const Value& weight = graph[weight_id(graph, layer)];
    std::vector<GroupMask> masks = held_weights(given_, weight.name, layer.form());
    for (size_t g = 0; g < errors.size(); ++g) {
      merge(masks[g], swap ? swap_held(errors[g], units, chosen[g], context_.threads) : chosen[g]);
    }
    context_.masks[weight.name] = weight_mask(layer.form(), masks, weight.constant->size());
  }

  static std::vector<GroupMask> hold_cheapest(std::span<const OutputError> errors, std::span<const Ranking> rankings,
                                              const PruneUnits& units, int64_t count) {
    const auto removals = cheapest(rankings, units.size, count);
    std::vector<GroupMask> masks;
    for (size_t g = 0; g < errors.size(); ++g) masks.push_back(mask_of(errors[g], units, removals[g]));
    return masks;
  }

  const PruneRequest& request_;
  const PrunePlan& plan_;
  const WeightMasks given_;  // by earlier passes
  PassContext& context_;
};

void report_layer(const Node& node, const WeightMask& mask, PassContext& context) {
  const auto zeros = static_cast<int64_t>(mask.size()) - std::count(mask.begin(), mask.end(), uint8_t{0});
  std::array<char, 80> text{};
  static_cast<void>(std::snprintf(text.data(), text.size(), "%lld of %zu weights are 0 (%.1f %%)",
                                  static_cast<long long>(zeros), mask.size(),
                                  100.0 * static_cast<double>(zeros) / static_cast<double>(mask.size())));
  context.note(node.name, text.data());
  context.count("weights", static_cast<int64_t>(mask.size()));
  context.count("zeros", zeros);
}

void report(const Graph& graph, const PrunePlan& plan, PassContext& context) {
  for (const Node& node : graph.nodes) {
    for (const ValueId id : node.inputs) {
      const auto planned = id == kNoValue ? plan.end() : plan.find(graph[id].name);
      if (planned == plan.end()) continue;
      const auto mask = context.masks.find(planned->first);
      if (mask != context.masks.end()) {
        report_layer(node, mask->second, context);
      } else {
        context.note(node.name, "stays dense: " + planned->second.why_dense);
      }
    }
  }
}

bool run(Graph& graph, const Options& options, PassContext& context) {
  PruneRequest request{parse_prune_spec(options.amount), &require_criterion(options.criterion),
                       parse_shares(options.layers)};
  require_samples(context, "pruning needs");
  NoiseGains gains;
  if (request.shares == PruneShares::kMeasured) {
    gains = measure_noise_gains(*context.reference, context.samples, context.seed, context.threads);
    request.gains = &gains;
  }
  const PrunePlan plan = plan_pruning(*context.reference, request, context);
  Pruning method(request, plan, context);
  const bool changed = fit_layers(graph, context, method);
  report(graph, plan, context);
  return changed;
}

}  // namespace

extern constexpr PassDef k_prune = make_pass<Options, kOptions, run>(
    "prune", "hold weights at 0 and solve for the others again", Contract::kLossy, Stage::kPrune);

}  // namespace tinyc
