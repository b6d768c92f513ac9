// cluster-weights: gives each layer a few values that all its weights share, at little error of the output.
//
// Problem: a weight that is one of 2^b values is stored as an index of b bits, whatever the values are; uniform grids
// of as few points spend them where there are no weights. Method: layer by layer (pass/layer_fit.h) the values, their
// assignment and scales that are best as the output sees them (quant/codebook_search.h). The values are int8 integers
// and each channel has a scale, chosen with them, so every engine and kernel runs the result; it is small where it is
// coded. How many values there are is the one knob (`codebook_bits`). Cost: that of the moments and some rounds of
// descent.
#include <string>
#include <utility>
#include <vector>

#include "tinyc/base/error.h"
#include "tinyc/pass/layer_fit.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/pass/weight_grid.h"
#include "tinyc/quant/codebook_search.h"

namespace tinyc {
namespace {

class Clustering final : public LayerMethod {
 public:
  explicit Clustering(const PassContext& context) : context_(context) {}

  bool treats(const Graph& graph, const Node& node, int weight) const override {
    const QParams* params = params_of_weight(graph, node, weight);
    return params != nullptr && params->block == 0 && params->q_step == 1 &&
           settings_of_layer(context_.settings, node.name).codebook_bits > 0;
  }

  std::string obstacle(const Graph& /*graph*/, const LinearLayer& /*layer*/) const override { return {}; }
  bool must_change(const Graph& /*graph*/, const LinearLayer& /*layer*/) const override { return true; }

  void choose(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) override {
    const WeightGrid grid = *WeightGrid::of(graph, layer);
    const CodebookPoint point = search_codebook(search_of(graph, layer, grid, std::move(errors)), context_.threads);
    grid.store(graph, point.scales, point.steps);
    const Value& weight = graph[operand(graph[layer.id], layer.weight)];
    if (found_.empty() || found_.back().weight != weight.name) found_.push_back({graph[layer.id].name, weight.name, 0});
    found_.back().values = point.codebook.size();
  }

  struct Found {
    std::string node, weight;
    size_t values;
  };
  // In order; of a weight, what was chosen last.
  const std::vector<Found>& found() const { return found_; }

 private:
  CodebookSearch search_of(const Graph& graph, const LinearLayer& layer, const WeightGrid& grid,
                           std::vector<OutputError> errors) const {
    const Node& node = graph[layer.id];
    CodebookSearch search;
    search.groups = std::move(errors);
    search.held = held_weights(context_.masks, graph[operand(node, layer.weight)].name, layer.form());
    search.scale_of = grid.scale_of();
    search.smallest = grid.smallest(graph);
    search.power_of_two_scales = context_.settings.power_of_two_scales;
    search.bits = settings_of_layer(context_.settings, node.name).codebook_bits;
    search.q_max = grid.free().q_max;
    search.seed = context_.seed;
    return search;
  }

  const PassContext& context_;
  std::vector<Found> found_;
};

bool run(Graph& graph, PassContext& context) {
  if (context.settings.codebook_bits <= 0) return false;
  if (context.samples.empty()) {
    throw Error(ErrorKind::kUsage, "weights that share values (codebook_bits) need calibration samples",
                "give --calib DATA");
  }
  Clustering method(context);
  const bool changed = fit_layers(graph, context, method);
  for (const Clustering::Found& found : method.found()) {
    context.note(found.node, "its weights share " + std::to_string(found.values) + " values");
    context.count("values", static_cast<int64_t>(found.values));
  }
  return changed;
}

}  // namespace

extern constexpr PassDef k_cluster_weights = make_pass<run>(
    "cluster-weights", "give each layer's weights a few values that they share", Contract::kLossy, Stage::kRepair);

}  // namespace tinyc
