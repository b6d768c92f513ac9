// price-weights: rounds weights so that they take few bits once they are entropy coded, at little error of the output.
//
// Problem: a coder stores what is frequent in few bits, so weights at 0 and at small integers are cheap; pruning,
// coarser steps and sharing of values are ways to the same end, and which of them a weight should take depends on what
// the model makes of it. Method: layer by layer (pass/layer_fit.h) the search that puts a price on bits
// (quant/rate_search.h), the same price in the whole model. What the error of a row is worth is measured at the model's
// end (quant/noise_gains.h). Each of a row's K weights may make D / worth of error in it, and
//   D = weight_noise / sum over rows of K sqrt(gain P)
// makes the noise at the end about weight_noise, a share of the power of the model's outputs: the one knob.
// The result are int8 weights with a step a channel, which every engine and kernel runs; they are small where they are
// coded. Cost: that of the gains, of the moments, and some rounds of descent.
#include "tinyc/base/error.h"
#include "tinyc/pass/layer_fit.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/pass/weight_grid.h"
#include "tinyc/quant/noise_gains.h"
#include "tinyc/quant/rate_search.h"

namespace tinyc {
namespace {

class Pricing final : public LayerMethod {
 public:
  Pricing(const Graph& graph, const PassContext& context, const NoiseGains& gains) : context_(context), gains_(gains) {
    for (const Node& node : graph.nodes) {
      if (node.op == nullptr) continue;
      for (const int weight : node.op->quant.weights) {
        if (!treats(graph, node, weight)) continue;
        const Value& value = graph[operand(node, weight)];
        noise_ += noise_of_worth(find_gain(gains, value.name), value.constant->size());
      }
    }
  }

  bool treats(const Graph& graph, const Node& node, int weight) const override {
    const QParams* params = params_of_weight(graph, node, weight);
    const QuantizationSettings settings = settings_of_layer(context_.settings, node.name);
    return params != nullptr && params->block == 0 && params->q_step == 1 && settings.codebook_bits == 0 &&
           settings.weight_noise > 0;
  }

  std::string obstacle(const Graph& /*graph*/, const LinearLayer& /*layer*/) const override { return {}; }
  bool must_change(const Graph& /*graph*/, const LinearLayer& /*layer*/) const override { return true; }

  void choose(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) override {
    const WeightGrid grid = *WeightGrid::of(graph, layer);
    const Node& node = graph[layer.id];
    const Value& weight = graph[operand(node, layer.weight)];
    RateSearch search;
    search.groups = std::move(errors);
    search.held = held_weights(context_.masks, weight.name, layer.form());
    search.gains = worth_of_rows(find_gain(gains_, weight.name), search.groups);
    search.noise = settings_of_layer(context_.settings, node.name).weight_noise / noise_;
    search.q_max = grid.free().q_max;
    search.smallest = grid.smallest(graph);
    search.scale_of = grid.scale_of();
    const RatePoint point = search_rate(search, context_.threads);
    grid.store(graph, point.scales, point.steps);
  }

 private:
  const PassContext& context_;
  const NoiseGains& gains_;
  double noise_ = 0;  // sum over rows of K sqrt(gain P)
};

bool run(Graph& graph, PassContext& context) {
  const QuantizationSettings& settings = context.settings;
  if (settings.weight_noise <= 0) return false;
  if (context.samples.empty()) {
    throw Error(ErrorKind::kUsage, "rounding weights for a coder (weight_noise) needs calibration samples",
                "give --calib DATA");
  }
  NoiseGains measured;
  if (context.gains == nullptr) {
    measured = measure_noise_gains(*context.reference, context.samples, context.seed, context.threads);
  }
  Pricing method(graph, context, context.gains == nullptr ? measured : *context.gains);
  return fit_layers(graph, context, method);
}

}  // namespace

extern constexpr PassDef k_price_weights = make_pass<run>(
    "price-weights", "round weights so that they take few bits once they are coded", Contract::kLossy, Stage::kRepair);

}  // namespace tinyc
