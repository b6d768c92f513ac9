// optimize-rounding: rounds each layer's weights, and chooses their scales and its bias, so that its output comes
// nearest to that of the float model.
//
// Problem: rounding to the nearest point minimizes the error of the weights, but a model's user sees the error of
// outputs, where errors of weights add up or cancel as their inputs are correlated. Method: layer by layer
// (pass/layer_fit.h) the grid point nearest to the target as the output sees it (quant/grid_search.h), with the bias
// that goes with it; where iterations are given, also rounding learned from there on (quant/adaptive_rounding.h).
// Why it cannot harm: the layer's output error is measured on samples kept out, as it is, with a new bias alone, with
// the new weights, and with the learned ones; the least stays.
// Cost: that of the moments, rows times columns squared, and a batch of positions times the weights an iteration.
#include <algorithm>
#include <cmath>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/pass/layer_fit.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/adaptive_rounding.h"
#include "tinyc/quant/grid_search.h"
#include "tinyc/quant/weight_grid.h"

namespace tinyc {
namespace {

constexpr double kSmallestScaleShare = 0x1p-15;  // of the largest: below it a channel has too few bits of a multiplier

struct Options {
  int64_t finalists = 1;
  int64_t restarts = 0;
  int64_t iterations = 0;
};
constexpr Opt<Options> kOptions[] = {
    {"finalists", &Options::finalists, "scales of a row that are searched to the end"},
    {"restarts", &Options::restarts, "times that each row's search starts again from where it stands, a little aside"},
    {"iterations", &Options::iterations,
     "steps by which rounding is learned behind the clamp that follows; 0: not at all"}};

class Rounding final : public LayerMethod {
 public:
  Rounding(const Options& options, const PassContext& context) : options_(options), context_(context) {}

  bool treats(const Graph& graph, const Node& node, int weight) const override {
    const ValueId id = operand(node, weight);
    if (settings_of_layer(context_.settings, node.name).weight_noise > 0) return false;  // price-weights rounds them
    return id != kNoValue && graph[id].constant && graph[id].quant && std::holds_alternative<QParams>(*graph[id].quant);
  }

  std::string obstacle(const Graph& graph, const LinearLayer& layer) const override {
    return WeightGrid::of(graph, graph[layer.id], layer.weight) ? "" : "its blocks share no scale";
  }

  void choose(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) override {
    const WeightGrid grid = *WeightGrid::of(graph, graph[layer.id], layer.weight);
    store(graph, layer, grid, search_grid(grid_search(graph, layer, grid, std::move(errors)), context_.threads));
  }

  bool refines() const override { return options_.iterations > 0; }

  RowNumbers refine(Graph& graph, const LinearLayer& layer, const LayerData& data) override {
    const WeightGrid grid = *WeightGrid::of(graph, graph[layer.id], layer.weight);
    const QParams& params = grid.free();
    AdaptiveRounding start;
    start.samples = data.samples;
    start.targets = data.targets;
    start.target_bias = data.target_bias;
    start.units = units_of(graph, layer);
    start.steps = steps_of(graph, layer, start.units);
    start.bias = data.bias;
    start.free_bias = data.free_bias;
    start.limits = data.limits;
    start.q_min = params.q_min;
    start.q_max = params.q_max;
    start.q_step = params.q_step;
    start.iterations = options_.iterations;
    start.seed = context_.seed;
    AdaptedRounding found = adapt_rounding(start, context_.threads);
    store(graph, layer, grid, {{params.scales.begin(), params.scales.end()}, std::move(found.steps), 0});
    return std::move(found.bias);
  }

 private:
  // What each weight grows by when its integer grows by 1.
  static std::vector<Matrix> units_of(const Graph& graph, const LinearLayer& layer) {
    const LinearForm& form = layer.form();
    const Value& weight = graph[operand(graph[layer.id], layer.weight)];
    const auto& params = std::get<QParams>(*weight.quant);
    const ScaleIndex scale_idx(params, weight.constant->dims());
    std::vector<Matrix> units(static_cast<size_t>(form.groups), Matrix(form.rows, form.columns));
    for (int64_t g = 0; g < form.groups; ++g) {
      for (int64_t r = 0; r < form.rows; ++r) {
        for (int64_t c = 0; c < form.columns; ++c) {
          units[static_cast<size_t>(g)](r, c) = static_cast<double>(params.scales[scale_idx(form.weight_at(g, r, c))]);
        }
      }
    }
    return units;
  }

  // The integers of weights that lie on their grid.
  static std::vector<Matrix> steps_of(const Graph& graph, const LinearLayer& layer, const std::vector<Matrix>& units) {
    std::vector<Matrix> steps = read_weights(layer.form(), *graph[operand(graph[layer.id], layer.weight)].constant);
    for (size_t g = 0; g < steps.size(); ++g) {
      for (size_t i = 0; i < steps[g].elements.size(); ++i) {
        steps[g].elements[i] = std::nearbyint(steps[g].elements[i] / units[g].elements[i]);
      }
    }
    return steps;
  }

  GridSearch grid_search(const Graph& graph, const LinearLayer& layer, const WeightGrid& grid,
                         std::vector<OutputError> errors) const {
    const QParams& params = grid.free();
    GridSearch search;
    search.groups = std::move(errors);
    search.finalists = static_cast<int>(std::clamp<int64_t>(options_.finalists, 1, 16));
    search.restarts = static_cast<int>(std::clamp<int64_t>(options_.restarts, 0, 1'000'000));
    search.seed = context_.seed;
    search.q_min = params.q_min;
    search.q_max = params.q_max;
    search.q_step = params.q_step;
    search.storable = [&](double scale) { return grid.storable(scale, context_.settings); };
    search.scales.assign(params.scales.begin(), params.scales.end());
    search.smallest = smallest_scales_for_bias(graph, layer, params.scales.size());
    const double largest = *std::max_element(search.scales.begin(), search.scales.end());
    for (double& limit : search.smallest) limit = std::max(limit, largest * kSmallestScaleShare);
    for (int64_t g = 0; g < layer.form().groups; ++g) {
      search.factors.push_back(grid.factors(layer.form(), g));
      std::vector<size_t>& of_row = search.scale_of.emplace_back();
      for (int64_t r = 0; r < layer.form().rows; ++r) of_row.push_back(grid.scale_of(layer.form().weight_at(g, r, 0)));
    }
    return search;
  }

  static void store(Graph& graph, const LinearLayer& layer, const WeightGrid& grid, const GridPoint& point) {
    const LinearForm& form = layer.form();
    Value& weight = graph[operand(graph[layer.id], layer.weight)];
    const QParams params = grid.with_scales(point.scales);
    const ScaleIndex scale_idx(params, weight.constant->dims());
    std::vector<Matrix> weights = point.steps;
    for (int64_t g = 0; g < form.groups; ++g) {
      for (int64_t r = 0; r < form.rows; ++r) {
        for (int64_t c = 0; c < form.columns; ++c) {
          double& w = weights[static_cast<size_t>(g)](r, c);
          w = w * static_cast<double>(params.scales[scale_idx(form.weight_at(g, r, c))]) + 0.0;  // no negative zeros
        }
      }
    }
    weight.quant = params;
    weight.constant = replaced_weights(form, *weight.constant, weights);
  }

  const Options& options_;
  const PassContext& context_;
};

bool run(Graph& graph, const Options& options, PassContext& context) {
  Rounding method(options, context);
  return fit_layers(graph, context, method);
}

}  // namespace

extern constexpr PassDef k_optimize_rounding = make_pass<Options, kOptions, run>(
    "optimize-rounding", "round weights, choose scales and biases for the least error of each layer's output",
    Contract::kLossy, Stage::kRepair);

}  // namespace tinyc
