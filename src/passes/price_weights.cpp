// price-weights: rounds weights so that they take few bits once they are entropy coded, at little error of the output.
//
// Problem: a coder stores what is frequent in few bits, so weights at 0 and at small integers are cheap; pruning,
// coarser steps and sharing of values are ways to the same end, and which of them a weight should take depends on what
// the model makes of it. Method: layer by layer (pass/layer_fit.h) the search that puts a price on bits
// (quant/rate_search.h), the same price in the whole model. What the error e_r of a row is worth is measured: gain_r
// e_r of noise at the model's end (quant/noise_gains.h). But a row that is far off is more than its noise: later layers
// are fitted to what it became, which takes a part of the noise away again, and the less the larger its share of the
// row's own power P_r is. So both count alike: a row weighs sqrt(gain_r / P_r), the geometric mean of gain_r and 1 /
// P_r (on five models 1 to 4 dB better than gain_r alone, and than 1 / P_r alone, at the same bytes). Each of a row's
// K_r weights may then make D / sqrt(gain_r / P_r) of noise in it, and
//   D = weight_noise / sum over rows of K_r sqrt(gain_r P_r)
// makes the noise at the end about weight_noise, a share of the power of the model's outputs: the one knob.
// The result are int8 weights with a step a channel, which every engine and kernel runs; they are small where they are
// coded. Cost: that of the gains, of the moments, and some rounds of descent.
#include <algorithm>
#include <cmath>

#include "tinyc/base/error.h"
#include "tinyc/pass/layer_fit.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/pass/weight_grid.h"
#include "tinyc/quant/noise_gains.h"
#include "tinyc/quant/rate_search.h"

namespace tinyc {
namespace {

constexpr double kLeastPower = 1e-30;

class Pricing final : public LayerMethod {
 public:
  Pricing(const Graph& graph, const PassContext& context, const NoiseGains& gains) : context_(context), gains_(gains) {
    for (const Node& node : graph.nodes) {
      if (node.op == nullptr) continue;
      for (const int weight : node.op->quant.weights) {
        if (treats(graph, node, weight)) noise_ += noise_of(graph[operand(node, weight)]);
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
    RateSearch search;
    search.groups = std::move(errors);
    search.held = held_weights(context_.masks, graph[operand(node, layer.weight)].name, layer.form());
    search.gains = weights_of_rows(graph[operand(node, layer.weight)].name, search.groups);
    search.noise = settings_of_layer(context_.settings, node.name).weight_noise / noise_;
    search.q_max = grid.free().q_max;
    search.smallest = grid.smallest(graph);
    search.scale_of = grid.scale_of();
    const RatePoint point = search_rate(search, context_.threads);
    grid.store(graph, point.scales, point.steps);
  }

 private:
  // Of a weight that is not known: as one of which nothing is left at the end when it is lost.
  NoiseGain gain_of(const std::string& weight) const {
    const auto found = gains_.find(weight);
    return found != gains_.end() && found->second.whole > 0 ? found->second : NoiseGain{.whole = 1};
  }

  // Sum of K sqrt(gain P).
  double noise_of(const Value& weight) const {
    const NoiseGain gain = gain_of(weight.name);
    const auto weights = static_cast<double>(weight.constant->size());
    if (gain.by_channel.empty()) return weights * std::sqrt(gain.whole);
    const auto rows = static_cast<double>(gain.by_channel.size());
    double noise = 0;
    for (size_t r = 0; r < gain.by_channel.size(); ++r) {
      noise += weights / rows * std::sqrt(gain.by_channel[r] * gain.powers[r]);
    }
    return noise;
  }

  // sqrt(gain / P). Rows that are not channels of the output share what the layer's noise is worth.
  std::vector<std::vector<double>> weights_of_rows(const std::string& weight,
                                                   std::span<const OutputError> errors) const {
    const NoiseGain gain = gain_of(weight);
    std::vector<std::vector<double>> found(errors.size());
    size_t rows = 0;
    for (const OutputError& error : errors) rows += static_cast<size_t>(error.target.rows);
    const bool by_channel = gain.by_channel.size() == rows;
    const double share = gain.whole / static_cast<double>(rows);
    size_t channel = 0;
    for (size_t g = 0; g < errors.size(); ++g) {
      for (int64_t r = 0; r < errors[g].target.rows; ++r, ++channel) {
        const double power = std::max(power_of_row(errors[g], r), kLeastPower);
        const double worth = by_channel ? gain.by_channel[channel] : share / power;
        found[g].push_back(std::sqrt(worth / power));
      }
    }
    return found;
  }

  static double power_of_row(const OutputError& error, int64_t row) {
    const auto target = error.target.row(row);
    double power = 0;
    for (int64_t i = 0; i < error.h.columns; ++i) {
      const auto h = error.h.row(i);
      double product = 0;
      for (size_t j = 0; j < target.size(); ++j) product += h[j] * target[j];
      power += product * target[static_cast<size_t>(i)];
    }
    return power;
  }

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
