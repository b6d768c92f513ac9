#include "tinyc/pass/prune_plan.h"

#include <algorithm>
#include <cmath>

#include "tinyc/pass/layer_fit.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/judges.h"
#include "tinyc/quant/variants.h"
#include "tinyc/quant/weight_axes.h"

namespace tinyc {
namespace {

constexpr double kMostMacs = 1e9;  // for the moments of a layer
constexpr double kDamping = 1e-3;
constexpr double kProbe = 0.02;  // of its output's power, which a layer loses when its gain is measured
constexpr size_t kEnds = 2;      // the output, and what the last layer made before it was squashed

// A weight of a node, ranked on the data of the float model.
struct RankedLayer {
  size_t node;
  std::string weight;
  int64_t weights;  // how many there are
  int64_t unit_size;
  std::vector<double> costs;  // of a weight of each unit, rising
  double power;               // of the output
  double predicted = 0;       // cost of the layer pruned alone
  Graph pruned;               // the model with this layer pruned
  double gain = 1;
};

// Why all weights of a layer stay; empty where they need not.
std::string why_dense(const Graph& graph, const LinearLayer& layer, const PruneSpec& spec,
                      const QuantizationSettings& settings) {
  const LinearForm& form = layer.form();
  if (settings_of_layer(settings, graph[layer.id].name).weight_bits == 1) return "binary weights have no 0";
  if (form.groups > 1 && form.columns <= taps_of(graph, layer)) return "it is depthwise";
  if (is_shared(graph, operand(graph[layer.id], layer.weight))) return "another node reads its weights";
  if (form.columns > kMostFittedColumns) return "its rows are too long to be fitted";
  if (spec.unit == PruneUnit::kPattern && taps_of(graph, layer) <= spec.kept) return "its kernels have no more taps";
  if (spec.unit == PruneUnit::kVector && form.columns < spec.vector) return "its rows are shorter than a vector";
  return {};
}

class Planner {
 public:
  Planner(const Graph& graph, const PruneRequest& request, const PassContext& context)
      : graph_(graph), request_(request), context_(context) {}

  PrunePlan plan() {
    rank_layers();
    if (needs_costs() && request_.shares == PruneShares::kMeasured) measure_gains();
    if (needs_costs()) {
      spread();
    } else {
      const double share =
          request_.spec.has_quota() ? 1.0 : request_.spec.share;  // a quota lets no more go than it says
      for (const RankedLayer& layer : layers_) plan_[layer.weight].weights = of_layer(layer, share);
    }
    return std::move(plan_);
  }

 private:
  // Whether layers compete.
  bool needs_costs() const {
    return !request_.spec.has_quota() && request_.shares != PruneShares::kUniform &&
           request_.criterion->costs_are_losses;
  }

  static int64_t of_layer(const RankedLayer& layer, double share) {
    return std::llround(share * static_cast<double>(layer.weights));
  }

  // How many of the cheapest weights cost at most so much.
  static int64_t weights_within(const RankedLayer& layer, double most) {
    int64_t weights = 0;
    double cost = 0;
    for (const double next : layer.costs) {
      cost += next * static_cast<double>(layer.unit_size);
      if (cost > most) break;
      weights += layer.unit_size;
    }
    return weights;
  }

  void rank_layers() {
    LayerwiseRun run(graph_, Engine::kFloat, context_.samples, context_.threads);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const NodeId id{static_cast<uint32_t>(i)};
      LayerResults results = run.compute(graph_, id);
      if (graph_[id].op != nullptr) {
        for (const int weight : graph_[id].op->quant.weights) {
          const LayerState state{graph_, run, results};
          const auto layer = find_linear_layer(state, state, id, weight);
          if (!layer) continue;
          std::string& why = plan_[graph_[operand(graph_[id], weight)].name].why_dense;
          why = why_dense(graph_, *layer, request_.spec, context_.settings);
          if (why.empty()) rank(*layer);
        }
      }
      run.store(graph_, id, std::move(results));
    }
  }

  std::vector<Moments> moments_of(const LinearLayer& layer) const {
    std::vector<MomentSample> samples;
    int64_t positions = 0;
    for (const LinearForm& form : layer.now) {
      samples.push_back({&form, &form});
      positions += form.positions;
    }
    const auto columns = static_cast<double>(layer.form().columns);
    const double macs = 1.5 * static_cast<double>(positions * layer.form().groups) * columns * columns;
    const auto stride = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(macs / kMostMacs)));
    std::vector<Moments> moments;
    for (const MomentSums& sums : sum_moments(samples, stride, context_.threads)) {
      moments.push_back(sums.moments(has_free_bias(graph_, layer)));
    }
    return moments;
  }

  void rank(const LinearLayer& layer) {
    const LinearForm& form = layer.form();
    const Value& weight = graph_[operand(graph_[layer.id], layer.weight)];
    RankedLayer ranked{index_of(layer.id), weight.name, form.groups * form.rows * form.columns, 1, {}, 0, 0, {}, 1};
    if (!needs_costs()) {
      layers_.push_back(std::move(ranked));
      return;
    }
    const PruneUnits units = prune_units(request_.spec, form, taps_of(graph_, layer));
    ranked.unit_size = units.size;
    const std::vector<Moments> moments = moments_of(layer);
    std::vector<OutputError> errors;
    for (size_t g = 0; g < moments.size(); ++g) {
      errors.push_back({damped(moments[g].h, kDamping), layer.weights[g]});
      ranked.power -= error_above_zeros(layer.weights[g], layer.weights[g], moments[g]);
    }
    const std::vector<Ranking> rankings = rank_layer(graph_, layer, request_, errors, context_);
    for (const Ranking& group : rankings) {
      for (const auto& row : group) {
        for (const Removal& removal : row) ranked.costs.push_back(removal.cost);
      }
    }
    std::sort(ranked.costs.begin(), ranked.costs.end());
    if (request_.shares == PruneShares::kPower) ranked.gain = ranked.power > 0 ? 1 / ranked.power : 0;
    if (request_.shares == PruneShares::kMeasured) prune_alone(layer, errors, moments, rankings, units, ranked);
    layers_.push_back(std::move(ranked));
  }

  void prune_alone(const LinearLayer& layer, std::span<const OutputError> errors, std::span<const Moments> moments,
                   std::span<const Ranking> rankings, const PruneUnits& units, RankedLayer& ranked) const {
    const auto removals = cheapest(rankings, units.size, weights_within(ranked, kProbe * ranked.power));
    std::vector<Matrix> weights;
    std::vector<std::vector<double>> shift;
    for (size_t g = 0; g < errors.size(); ++g) {
      weights.push_back(best_with_zeros(errors[g], mask_of(errors[g], units, removals[g]), context_.threads));
      for (const Removal& removal : removals[g]) ranked.predicted += removal.cost * static_cast<double>(units.size);
      shift.push_back(bias_shift(layer.weights[g], weights.back(), moments[g]));
    }
    ranked.pruned = graph_;
    Value& weight = ranked.pruned[operand(graph_[layer.id], layer.weight)];
    weight.constant = replaced_weights(layer.form(), *weight.constant, weights);
    if (has_free_bias(graph_, layer)) shift_bias(ranked.pruned, graph_, layer, shift);
  }

  void measure_gains() {
    Graph base = graph_;
    base.outputs = last_values(graph_, plan_storage(graph_, context_.settings), -1, NodeId{0}, kEnds);
    const auto wanted = run_samples(base, Engine::kFloat, context_.samples, context_.threads);
    const auto errors =
        measure_variants(base, Engine::kFloat, context_.samples, wanted, context_.threads, [&](size_t i) {
          std::vector<Graph> variants;
          for (RankedLayer& layer : layers_) {
            if (layer.node != i) continue;
            layer.pruned.outputs = base.outputs;
            variants.push_back(std::move(layer.pruned));
          }
          return variants;
        });
    std::vector<size_t> seen(graph_.nodes.size(), 0);
    for (RankedLayer& layer : layers_) {
      const ErrorSums& end = errors[layer.node][seen[layer.node]++];
      layer.gain = layer.predicted > 0 ? end.noise / layer.predicted : 0;
    }
  }

  // The cheapest units of all layers.
  void spread() {
    struct Unit {
      double cost;
      size_t layer;
    };
    std::vector<Unit> units;
    int64_t left = 0;
    for (size_t l = 0; l < layers_.size(); ++l) {
      for (const double cost : layers_[l].costs) units.push_back({cost * layers_[l].gain, l});
      left += of_layer(layers_[l], request_.spec.share);
    }
    std::stable_sort(units.begin(), units.end(), [](const Unit& a, const Unit& b) { return a.cost < b.cost; });
    for (size_t i = 0; i < units.size() && left > 0; ++i) {
      const RankedLayer& layer = layers_[units[i].layer];
      plan_[layer.weight].weights += layer.unit_size;
      left -= layer.unit_size;
    }
  }

  const Graph& graph_;
  const PruneRequest& request_;
  const PassContext& context_;
  std::vector<RankedLayer> layers_;
  PrunePlan plan_;
};

}  // namespace

int64_t taps_of(const Graph& graph, const LinearLayer& layer) {
  const Node& node = graph[layer.id];
  const Dims& dims = graph[operand(node, layer.weight)].constant->dims();
  const auto axes = weight_axes(node, dims);
  return axes && axes->convolution ? element_count(std::span(dims).subspan(2)) : 1;
}

std::vector<Ranking> rank_layer(const Graph& graph, const LinearLayer& layer, const PruneRequest& request,
                                std::span<const OutputError> errors, const PassContext& context) {
  const LinearForm& form = layer.form();
  const PruneUnits units = prune_units(request.spec, form, taps_of(graph, layer));
  const auto recorded = context.moments.find(graph[graph[layer.id].outputs[0]].name);
  std::vector<double> scales;
  if (recorded != context.moments.end()) scales = recorded->second.deviation;
  if (static_cast<int64_t>(scales.size()) != form.groups * form.rows) scales.clear();
  std::vector<Ranking> rankings;
  for (size_t g = 0; g < errors.size(); ++g) {
    PruneInput input{errors[g], units, context.seed + g, context.threads, static_cast<int64_t>(g), layer.now};
    const auto rows = static_cast<size_t>(form.rows);
    if (!scales.empty()) input.row_scales = std::span(scales).subspan(g * rows, rows);
    rankings.push_back(request.criterion->rank(input));
  }
  return rankings;
}

PrunePlan plan_pruning(const Graph& graph, const PruneRequest& request, const PassContext& context) {
  return Planner(graph, request, context).plan();
}

}  // namespace tinyc
