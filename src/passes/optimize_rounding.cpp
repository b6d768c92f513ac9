// optimize-rounding: rounds each layer's weights, and chooses their scales and its bias, so that its output comes
// nearest to that of the float model.
//
// Problem: rounding to the nearest point minimizes the error of the weights, but a model's user sees the error of
// outputs, where errors of weights add up or cancel as their inputs are correlated. Method: layer by layer
// (pass/layer_fit.h) the grid point nearest to the target as the output sees it (quant/grid_search.h), with the bias
// that goes with it; where iterations are given, also rounding learned from there on (quant/adaptive_rounding.h).
// Why it cannot harm: the layer's output error is measured on samples kept out, as it is, with a new bias alone, with
// the new weights, and with the learned ones; the least stays.
// Searches that are nearly as good layer by layer differ by a dB at the end of the model, so trials are judged there.
// Cost of each: that of the moments, rows times columns squared, and a batch of positions times the weights an
// iteration.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/pass/layer_fit.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/pass/weight_grid.h"
#include "tinyc/quant/adaptive_rounding.h"
#include "tinyc/quant/end_sqnr.h"
#include "tinyc/quant/grid_search.h"
#include "tinyc/quant/params.h"

namespace tinyc {
namespace {

constexpr int64_t kMostTrials = 100;
// In dB: what is fitted harder looks some tenths better on the samples that it was fitted to.
constexpr double kWorthATrial = 0.5;

struct Options {
  int64_t finalists = 1;
  int64_t restarts = 0;
  int64_t iterations = 0;
  int64_t trials = 0;
};
constexpr Opt<Options> kOptions[] = {
    {"finalists", &Options::finalists, "scales of a row that are searched to the end"},
    {"restarts", &Options::restarts, "times that each row's search starts again from where it stands, a little aside"},
    {"iterations", &Options::iterations,
     "steps by which rounding is learned behind the clamp that follows; 0: not at all"},
    {"trials", &Options::trials,
     "times that the whole is done with other random numbers, beside once without what the options above ask for; a "
     "model that is clearly better at its end stays"}};

class Rounding final : public LayerMethod {
 public:
  Rounding(const Options& options, const PassContext& context) : options_(options), context_(context) {}

  bool treats(const Graph& graph, const Node& node, int weight) const override {
    const QuantizationSettings settings = settings_of_layer(context_.settings, node.name);
    if (settings.weight_noise > 0 || settings.codebook_bits > 0) return false;  // passes of their own round these
    return params_of_weight(graph, node, weight) != nullptr;
  }

  std::string obstacle(const Graph& graph, const LinearLayer& layer) const override {
    return WeightGrid::of(graph, layer) ? "" : "its blocks share no scale";
  }

  void choose(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) override {
    search(graph, layer, std::move(errors), Options());
  }

  bool is_thorough() const override { return options_.finalists > 1 || options_.restarts > 0; }

  void choose_thoroughly(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) override {
    search(graph, layer, std::move(errors), options_);
  }

  bool refines() const override { return options_.iterations > 0; }

  RowNumbers refine(Graph& graph, const LinearLayer& layer, const LayerData& data) override {
    const WeightGrid grid = *WeightGrid::of(graph, layer);
    const QParams& params = grid.free();
    AdaptiveRounding start;
    start.samples = data.samples;
    start.targets = data.targets;
    start.target_bias = data.target_bias;
    start.units = grid.units();
    start.steps = grid.steps(graph);
    start.held = held(graph, layer);
    start.bias = data.bias;
    start.free_bias = data.free_bias;
    start.limits = data.limits;
    start.q_min = params.q_min;
    start.q_max = params.q_max;
    start.q_step = params.q_step;
    start.iterations = options_.iterations;
    start.seed = context_.seed;
    AdaptedRounding found = adapt_rounding(start, context_.threads);
    grid.store(graph, std::vector<double>(params.scales.begin(), params.scales.end()), found.steps);
    return std::move(found.bias);
  }

 private:
  std::vector<GroupMask> held(const Graph& graph, const LinearLayer& layer) const {
    return held_weights(context_.masks, graph[weight_id(graph, layer)].name, layer.form());
  }

  void search(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors, const Options& effort) const {
    const WeightGrid grid = *WeightGrid::of(graph, layer);
    GridSearch search = grid_search(graph, layer, grid, std::move(errors));
    search.finalists = static_cast<int>(std::clamp<int64_t>(effort.finalists, 1, 16));
    search.restarts = static_cast<int>(std::clamp<int64_t>(effort.restarts, 0, 1'000'000));
    const GridPoint point = search_grid(search, context_.threads);
    grid.store(graph, point.scales, point.steps);
  }

  GridSearch grid_search(const Graph& graph, const LinearLayer& layer, const WeightGrid& grid,
                         std::vector<OutputError> errors) const {
    const QParams& params = grid.free();
    GridSearch search;
    search.groups = std::move(errors);
    search.seed = context_.seed;
    search.held = held(graph, layer);
    search.q_min = params.q_min;
    search.q_max = params.q_max;
    search.q_step = params.q_step;
    search.storable = [&](double scale) { return grid.storable(scale, context_.settings); };
    search.scales.assign(params.scales.begin(), params.scales.end());
    search.smallest = grid.smallest(graph);
    const double largest = *std::max_element(search.scales.begin(), search.scales.end());
    for (double& limit : search.smallest) limit = std::max(limit, largest * static_cast<double>(kSmallestScaleShare));
    search.scale_of = grid.scale_of();
    for (int64_t g = 0; g < layer.form().groups; ++g) search.factors.push_back(grid.factors(g));
    return search;
  }

  const Options& options_;
  const PassContext& context_;
};

struct Candidate {
  Graph graph;
  std::vector<PassNote> notes;
  std::map<std::string, int64_t> counters;
  bool changed;
};

// The first is the model without what options ask for.
std::string text_of_trials(const std::vector<double>& sqnr, size_t kept) {
  std::string text = "SQNR at the end of the model";
  for (size_t i = 0; i < sqnr.size(); ++i) {
    std::array<char, 48> number{};
    static_cast<void>(std::snprintf(number.data(), number.size(), "%s%s %.2f dB",
                                    i == 0   ? ""
                                    : i == 1 ? ", of trials"
                                             : ",",
                                    i == kept ? " (kept)" : "", sqnr[i]));
    text += number.data();
  }
  return text;
}

// With a seed of its own.
Candidate round_with(Graph graph, PassContext context, const Options& options, uint64_t seed) {
  context.seed = seed;
  Rounding method(options, context);
  const bool changed = fit_layers(graph, context, method);
  return {std::move(graph), std::move(context.notes), std::move(context.counters), changed};
}

bool run(Graph& graph, const Options& options, PassContext& context) {
  const bool chooses = options.trials > 0 && !context.samples.empty();
  Candidate best = round_with(graph, context, chooses ? Options() : options, context.seed);
  if (chooses) {
    const EndSqnr end(*context.reference, plan_storage(graph, context.settings), context.samples, context.threads);
    std::vector<double> found{end.of(best.graph)};
    size_t kept = 0;
    double bar = found[0] + kWorthATrial;
    for (int64_t i = 0; i < std::min(options.trials, kMostTrials); ++i) {
      Candidate other = round_with(graph, context, options, context.seed + static_cast<uint64_t>(i));
      const double sqnr = end.of(other.graph);
      found.push_back(sqnr);
      if (sqnr < bar) continue;
      bar = sqnr;
      best = std::move(other);
      kept = found.size() - 1;
    }
    best.notes.push_back({context.pass, "model", text_of_trials(found, kept)});
  }
  context.notes = std::move(best.notes);
  context.counters = std::move(best.counters);
  if (best.changed) graph = std::move(best.graph);
  return best.changed;
}

}  // namespace

extern constexpr PassDef k_optimize_rounding = make_pass<Options, kOptions, run>(
    "optimize-rounding", "round weights, choose scales and biases for the least error of each layer's output",
    Contract::kLossy, Stage::kRepair);

}  // namespace tinyc
