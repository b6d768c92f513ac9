// price-weights: rounds weights so that they take few bits once they are entropy coded, at little error of the output.
//
// Problem: a coder stores what is frequent in few bits, so weights at 0 and at small integers are cheap; pruning,
// coarser steps and sharing of values are ways to the same end, and which of them a weight should take depends on what
// the output makes of it. Method: layer by layer (pass/layer_fit.h) the search that puts a price on bits
// (quant/rate_search.h). The result are int8 weights with a step a channel, which every engine and kernel runs; they
// are small where they are coded. The share of each layer's power that may become noise is the
// one knob (`weight_noise`). Cost: that of the moments and some rounds of descent.
#include <algorithm>
#include <cmath>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/pass/layer_fit.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/rate_search.h"

namespace tinyc {
namespace {

class Pricing final : public LayerMethod {
 public:
  explicit Pricing(const PassContext& context) : context_(context) {}

  bool treats(const Graph& graph, const Node& node, int weight) const override {
    const ValueId id = operand(node, weight);
    if (id == kNoValue || !graph[id].constant || !graph[id].quant) return false;
    const auto* params = std::get_if<QParams>(&*graph[id].quant);
    const QuantizationSettings settings = settings_of_layer(context_.settings, node.name);
    return params != nullptr && params->block == 0 && params->q_step == 1 && settings.codebook_bits == 0 &&
           settings.weight_noise > 0;
  }

  std::string obstacle(const Graph& /*graph*/, const LinearLayer& /*layer*/) const override { return {}; }
  bool must_change(const Graph& /*graph*/, const LinearLayer& /*layer*/) const override { return true; }

  void choose(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) override {
    const LinearForm& form = layer.form();
    Value& weight = graph[operand(graph[layer.id], layer.weight)];
    auto& params = std::get<QParams>(*weight.quant);
    const ScaleIndex scale_idx(params, weight.constant->dims());
    RateSearch search;
    search.groups = std::move(errors);
    search.held = held_weights(context_.masks, weight.name, form);
    search.share = settings_of_layer(context_.settings, graph[layer.id].name).weight_noise;
    search.q_max = params.q_max;
    search.smallest = smallest_scales_for_bias(graph, layer, params.scales.size());
    for (int64_t g = 0; g < form.groups; ++g) {
      std::vector<size_t>& of_row = search.scale_of.emplace_back();
      for (int64_t r = 0; r < form.rows; ++r) of_row.push_back(scale_idx(form.weight_at(g, r, 0)));
    }
    const RatePoint point = search_rate(search, context_.threads);
    for (size_t i = 0; i < params.scales.size(); ++i) params.scales[i] = static_cast<float>(point.scales[i]);
    std::vector<Matrix> weights = point.steps;
    for (int64_t g = 0; g < form.groups; ++g) {
      for (int64_t r = 0; r < form.rows; ++r) {
        const double scale = point.scales[search.scale_of[static_cast<size_t>(g)][static_cast<size_t>(r)]];
        for (double& w : weights[static_cast<size_t>(g)].row(r)) w = w * scale + 0.0;  // no negative zeros
      }
    }
    weight.constant = replaced_weights(form, *weight.constant, weights);
  }

 private:
  const PassContext& context_;
};

bool run(Graph& graph, PassContext& context) {
  const QuantizationSettings& settings = context.settings;
  if (settings.weight_noise <= 0 && settings.layer_noise.empty()) return false;
  Pricing method(context);
  return fit_layers(graph, context, method);
}

}  // namespace

extern constexpr PassDef k_price_weights = make_pass<run>(
    "price-weights", "round weights so that they take few bits once they are coded", Contract::kLossy, Stage::kRepair);

}  // namespace tinyc
