// optimize-rounding: rounds each layer's weights, and chooses their scales and its bias, so that its output comes
// nearest to that of the float model.
//
// Problem: rounding to the nearest point minimizes the error of the weights, but a model's user sees the error of
// outputs, where errors of weights add up or cancel as their inputs are correlated. Method: layer by layer in execution
// order, with all earlier layers already rounded. From the layer's inputs in the simulated and in the float model come
// the moments H and A (quant/moments.h); from these the target, which also makes up for what earlier layers lost
// (quant/second_order.h); the grid point nearest to it as the output sees it (quant/grid_search.h); and the bias that
// goes with it. How far the target may move away from the float weights is chosen by what it gains on samples kept out
// of the moments. Why it cannot harm: the layer's output error is measured on the samples kept out, as it is, with a
// new bias alone, and with the new weights; the least stays, and is then fitted once more to all samples. Cost:
// positions times columns squared for the moments, of which at most a budget is spent a layer by reading a part of the
// positions; rows times columns squared for the search. Sources: see the headers named above.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/linear_layer.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/error_sums.h"
#include "tinyc/quant/grid_search.h"
#include "tinyc/quant/weight_grid.h"

namespace tinyc {
namespace {

constexpr int64_t kMostColumns = 2048;
constexpr double kMostMacs = 4e9;                             // for the moments of a layer
constexpr size_t kCheckEvery = 4;                             // samples 3, 7, ... are kept out
constexpr double kTargetDamping[] = {1e-3, 1e-2, 1e-1, 1.0};  // candidates beside not moving the target at all
constexpr double kNoTarget = HUGE_VAL;
constexpr double kGridDamping = 1e-3;
constexpr double kSmallestScaleShare = 0x1p-15;  // of the largest: below it a channel has too few bits of a multiplier

struct Options {
  int64_t finalists = 1;
  int64_t restarts = 0;
};
constexpr Opt<Options> kOptions[] = {
    {"finalists", &Options::finalists, "scales of a row that are searched to the end"},
    {"restarts", &Options::restarts, "times that each row's search starts again from where it stands, a little aside"}};

// Too few samples are fitted and checked alike.
bool is_check(size_t sample, size_t samples) {
  return samples < kCheckEvery || sample % kCheckEvery == kCheckEvery - 1;
}
bool is_fit(size_t sample, size_t samples) {
  return samples < kCheckEvery || !is_check(sample, samples);
}

// Reads a part of the positions where all would cost more than the budget.
std::vector<MomentSums> sums_of(const LinearLayer& layer, bool (*is_in)(size_t, size_t), int threads) {
  std::vector<MomentSample> samples;
  int64_t positions = 0;
  for (size_t s = 0; s < layer.now.size(); ++s) {
    positions += layer.now[s].positions;
    if (is_in(s, layer.now.size())) samples.push_back({&layer.now[s], &layer.wanted[s]});
  }
  const auto columns = static_cast<double>(layer.form().columns);
  const double macs = 1.5 * static_cast<double>(positions * layer.form().groups) * columns * columns;
  return sum_moments(samples, std::max<int64_t>(1, static_cast<int64_t>(std::ceil(macs / kMostMacs))), threads);
}

// How far the target may leave the float weights: what gains most on the samples kept out.
double choose_damping(const LinearLayer& layer, bool centred, const std::vector<MomentSums>& fit,
                      const std::vector<MomentSums>& check) {
  double best = HUGE_VAL, chosen = kNoTarget;
  for (const double damping : {kNoTarget, kTargetDamping[0], kTargetDamping[1], kTargetDamping[2], kTargetDamping[3]}) {
    double error = 0;
    for (size_t g = 0; g < fit.size(); ++g) {
      const Matrix& weights = layer.weights[g];
      const Matrix target = damping == kNoTarget ? weights : best_weights(weights, fit[g].moments(centred), damping);
      error += error_above_zeros(target, weights, check[g].moments(centred));
    }
    if (error >= best) continue;
    best = error;
    chosen = damping;
  }
  return chosen;
}

class Rounding {
 public:
  Rounding(Graph& graph, const Options& options, PassContext& context)
      : graph_(graph),
        options_(options),
        reference_(*context.reference),
        context_(context),
        exact_(reference_, Engine::kFloat, context.samples, context.threads),
        rounded_(graph, Engine::kSimulated, context.samples, context.threads) {}

  bool run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) step(NodeId{static_cast<uint32_t>(i)});
    return changed_;
  }

 private:
  void step(NodeId id) {
    LayerResults wanted = exact_.compute(reference_, id);
    LayerResults now = rounded_.compute(graph_, id);
    if (graph_[id].op != nullptr) {
      for (const int weight : graph_[id].op->quant.weights) {
        if (has_grid(graph_[id], weight) && treat(id, weight, wanted, now)) now = rounded_.compute(graph_, id);
      }
    }
    exact_.store(reference_, id, std::move(wanted));
    rounded_.store(graph_, id, std::move(now));
  }

  bool has_grid(const Node& node, int weight) const {
    const ValueId id = operand(node, weight);
    return id != kNoValue && graph_[id].constant && graph_[id].quant &&
           std::holds_alternative<QParams>(*graph_[id].quant);
  }

  // Why the search cannot treat the layer; empty where it can.
  std::string obstacle(const LinearLayer& layer) const {
    if (!WeightGrid::of(graph_, graph_[layer.id], layer.weight)) return "its blocks share no scale";
    if (layer.form().columns <= kMostColumns) return {};
    return "its rows of " + std::to_string(layer.form().columns) + " weights are longer than " +
           std::to_string(kMostColumns);
  }

  bool treat(NodeId id, int weight, const LayerResults& wanted, const LayerResults& now) {
    const auto layer = find_linear_layer({graph_, rounded_, now}, {reference_, exact_, wanted}, id, weight);
    if (!layer) return false;
    if (const std::string why = obstacle(*layer); !why.empty()) {
      context_.note(graph_[id].name, "left as it is: " + why);
      context_.count("left");
      return false;
    }
    std::vector<MomentSums> fit = sums_of(*layer, is_fit, context_.threads);
    const std::vector<MomentSums> check = sums_of(*layer, is_check, context_.threads);
    const bool centred = has_free_bias(graph_, *layer);
    const double damping = choose_damping(*layer, centred, fit, check);

    const Graph before = graph_;
    const auto measured = [&](bool weights) {
      apply(*layer, fit, weights ? std::optional(damping) : std::nullopt);
      const ErrorSums error = checked_error(wanted, rounded_.compute(graph_, id));
      graph_ = before;
      return error;
    };
    const ErrorSums as_is = checked_error(wanted, now), bias_only = measured(false), both = measured(true);
    const bool weights = both.noise < bias_only.noise;
    const ErrorSums& best = weights ? both : bias_only;
    report(graph_[id].name, weights, as_is, best);
    if (best.noise >= as_is.noise) return false;
    for (size_t g = 0; g < fit.size() && layer->now.size() >= kCheckEvery; ++g) fit[g].merge(check[g]);
    apply(*layer, fit, weights ? std::optional(damping) : std::nullopt);
    changed_ = true;
    return true;
  }

  // Noise of the node's results on the samples kept out.
  static ErrorSums checked_error(const LayerResults& wanted, const LayerResults& now) {
    ErrorSums sums;
    for (size_t s = 0; s < now.size(); ++s) {
      if (!is_check(s, now.size())) continue;
      for (size_t i = 0; i < now[s].size(); ++i) {
        if (now[s][i].dtype() == DataType::kFloat) sums.add(wanted[s][i].data<float>(), now[s][i].data<float>());
      }
    }
    return sums;
  }

  void report(const std::string& name, bool weights, const ErrorSums& before, const ErrorSums& after) {
    if (after.noise >= before.noise) {
      context_.note(name, "left as it is: no change lowers the error of its output");
      context_.count("left");
      return;
    }
    char text[120];
    static_cast<void>(std::snprintf(text, sizeof text, "%s: signal to noise of its output %.1f dB, was %.1f dB",
                                    weights ? "weights and bias fitted" : "bias fitted", after.sqnr_db(),
                                    before.sqnr_db()));
    context_.note(name, text);
    context_.count(weights ? "layers" : "bias_only");
  }

  // Weights and bias fitted to the moments; without a damping the bias alone.
  void apply(const LinearLayer& layer, const std::vector<MomentSums>& sums, std::optional<double> damping) {
    const bool centred = has_free_bias(graph_, layer);
    std::vector<Moments> moments;
    for (const MomentSums& sum : sums) moments.push_back(sum.moments(centred));
    Value& weight = graph_[operand(graph_[layer.id], layer.weight)];
    if (damping) {
      const WeightGrid grid = *WeightGrid::of(graph_, graph_[layer.id], layer.weight);
      store(layer, grid, search_grid(grid_search(layer, grid, moments, *damping), context_.threads));
    }
    if (!centred) return;
    Tensor on_grid = Tensor::of<float>(weight.constant->dims(), weight.constant->data<float>());
    round_to_grid(on_grid.mutable_data<float>(), on_grid.dims(), std::get<QParams>(*weight.quant));
    const std::vector<Matrix> stored = read_weights(layer.form(), on_grid);
    std::vector<std::vector<double>> shift;
    for (size_t g = 0; g < moments.size(); ++g) {
      shift.push_back(bias_shift(layer.weights[g], stored[g], moments[g]));
    }
    shift_bias(graph_, reference_, layer, shift);
  }

  GridSearch grid_search(const LinearLayer& layer, const WeightGrid& grid, const std::vector<Moments>& moments,
                         double damping) const {
    const QParams& params = grid.free();
    GridSearch search;
    search.finalists = static_cast<int>(std::clamp<int64_t>(options_.finalists, 1, 16));
    search.restarts = static_cast<int>(std::clamp<int64_t>(options_.restarts, 0, 1'000'000));
    search.seed = context_.seed;
    search.q_min = params.q_min;
    search.q_max = params.q_max;
    search.q_step = params.q_step;
    search.storable = [&](double scale) { return grid.storable(scale, context_.settings); };
    search.scales.assign(params.scales.begin(), params.scales.end());
    search.smallest = smallest_scales_for_bias(graph_, layer, params.scales.size());
    const double largest = *std::max_element(search.scales.begin(), search.scales.end());
    for (double& limit : search.smallest) limit = std::max(limit, largest * kSmallestScaleShare);
    for (size_t g = 0; g < moments.size(); ++g) {
      const auto group = static_cast<int64_t>(g);
      const Matrix& weights = layer.weights[g];
      Matrix target = damping == kNoTarget ? weights : best_weights(weights, moments[g], damping);
      search.groups.push_back({damped(moments[g].h, kGridDamping), std::move(target)});
      search.factors.push_back(grid.factors(layer.form(), group));
      std::vector<size_t>& of_row = search.scale_of.emplace_back();
      for (int64_t r = 0; r < layer.form().rows; ++r)
        of_row.push_back(grid.scale_of(layer.form().weight_at(group, r, 0)));
    }
    return search;
  }

  void store(const LinearLayer& layer, const WeightGrid& grid, const GridPoint& point) {
    const LinearForm& form = layer.form();
    Value& weight = graph_[operand(graph_[layer.id], layer.weight)];
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

  Graph& graph_;
  const Options& options_;
  const Graph& reference_;
  PassContext& context_;
  LayerwiseRun exact_, rounded_;
  bool changed_ = false;
};

bool run(Graph& graph, const Options& options, PassContext& context) {
  if (context.samples.empty()) {
    context.note("model", "skipped: there are no calibration samples");
    return false;
  }
  return Rounding(graph, options, context).run();
}

}  // namespace

extern constexpr PassDef k_optimize_rounding = make_pass<Options, kOptions, run>(
    "optimize-rounding", "round weights, choose scales and biases for the least error of each layer's output",
    Contract::kLossy, Stage::kRepair);

}  // namespace tinyc
