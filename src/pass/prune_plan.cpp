#include "tinyc/pass/prune_plan.h"

#include <algorithm>
#include <cmath>

#include "pass/float_layers.h"
#include "tinyc/pass/layer_fit.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/noise_gains.h"
#include "tinyc/quant/weight_axes.h"

namespace tinyc {
namespace {

// A weight of a node, ranked on the data of the float model.
struct RankedLayer {
  std::string weight;
  int64_t weights;  // how many there are
  int64_t unit_size;
  std::vector<double> costs;  // of a weight of each unit, rising
  double worth = 1;           // of all of them
};

// Why all weights of a layer stay; empty where they need not.
std::string why_dense(const Graph& graph, const LinearLayer& layer, const PruneSpec& spec,
                      const QuantizationSettings& settings) {
  const LinearForm& form = layer.form();
  if (settings_of_layer(settings, graph[layer.id].name).weight_bits == 1) return "binary weights have no 0";
  if (form.groups > 1 && form.columns <= taps_of(graph, layer)) return "it is depthwise";
  if (is_shared(graph, weight_id(graph, layer))) return "another node reads its weights";
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

  void rank_layers() {
    visit_layers(graph_, context_, [&](const LinearLayer& layer) {
      std::string& why = plan_[graph_[weight_id(graph_, layer)].name].why_dense;
      why = why_dense(graph_, layer, request_.spec, context_.settings);
      if (why.empty()) rank(layer);
    });
  }

  void rank(const LinearLayer& layer) {
    const LinearForm& form = layer.form();
    const Value& weight = graph_[weight_id(graph_, layer)];
    RankedLayer ranked{weight.name, form.groups * form.rows * form.columns, 1, {}};
    if (!needs_costs()) {
      layers_.push_back(std::move(ranked));
      return;
    }
    const PruneUnits units = prune_units(request_.spec, form, taps_of(graph_, layer));
    ranked.unit_size = units.size;
    const LayerMoments moments = measure_moments(graph_, layer, context_.threads);
    for (const Ranking& group : rank_layer(graph_, layer, request_, moments.errors, context_)) {
      for (const auto& row : group) {
        for (const Removal& removal : row) ranked.costs.push_back(removal.cost);
      }
    }
    std::sort(ranked.costs.begin(), ranked.costs.end());
    if (request_.shares == PruneShares::kPower) ranked.worth = moments.power > 0 ? 1 / moments.power : 0;
    layers_.push_back(std::move(ranked));
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
      for (const double cost : layers_[l].costs) units.push_back({cost * layers_[l].worth, l});
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
  const Dims& dims = graph[weight_id(graph, layer)].constant->dims();
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
  if (request.shares != PruneShares::kMeasured || request.gains == nullptr || !request.criterion->costs_are_losses) {
    return rankings;
  }
  const Value& weight = graph[weight_id(graph, layer)];
  const auto worth = worth_of_rows(find_gain(*request.gains, weight.name), errors);
  for (size_t g = 0; g < rankings.size(); ++g) {
    for (size_t r = 0; r < rankings[g].size(); ++r) {
      for (Removal& removal : rankings[g][r]) removal.cost *= worth[g][r];
    }
  }
  return rankings;
}

PrunePlan plan_pruning(const Graph& graph, const PruneRequest& request, const PassContext& context) {
  return Planner(graph, request, context).plan();
}

}  // namespace tinyc
