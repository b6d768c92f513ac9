// price-weights: rounds weights so that they take few bits once they are entropy coded, at little error of the output.
//
// Problem: a coder stores what is frequent in few bits, so weights at 0 and at small integers are cheap; pruning,
// coarser steps and sharing of values are ways to the same end, and which of them a weight should take depends on what
// the output makes of it. Method: layer by layer (pass/layer_fit.h) the search that puts a price on bits
// (quant/rate_search.h). The result are int8 weights with a step a channel, which every engine and kernel runs; they
// are small where they are coded. The share of each layer's power that may become noise is the
// one knob (`weight_noise`). Cost: that of the moments and some rounds of descent.
#include "tinyc/base/error.h"
#include "tinyc/pass/layer_fit.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/pass/weight_grid.h"
#include "tinyc/quant/rate_search.h"

namespace tinyc {
namespace {

class Pricing final : public LayerMethod {
 public:
  explicit Pricing(const PassContext& context) : context_(context) {}

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
    RateSearch search;
    search.groups = std::move(errors);
    search.held = held_weights(context_.masks, graph[operand(node, layer.weight)].name, layer.form());
    search.share = settings_of_layer(context_.settings, node.name).weight_noise;
    search.q_max = grid.free().q_max;
    search.smallest = grid.smallest(graph);
    search.scale_of = grid.scale_of();
    const RatePoint point = search_rate(search, context_.threads);
    grid.store(graph, point.scales, point.steps);
  }

 private:
  const PassContext& context_;
};

bool run(Graph& graph, PassContext& context) {
  const QuantizationSettings& settings = context.settings;
  if (settings.weight_noise <= 0 && settings.layer_noise.empty()) return false;
  if (context.samples.empty()) {
    throw Error(ErrorKind::kUsage, "rounding weights for a coder (weight_noise) needs calibration samples",
                "give --calib DATA");
  }
  Pricing method(context);
  return fit_layers(graph, context, method);
}

}  // namespace

extern constexpr PassDef k_price_weights = make_pass<run>(
    "price-weights", "round weights so that they take few bits once they are coded", Contract::kLossy, Stage::kRepair);

}  // namespace tinyc
