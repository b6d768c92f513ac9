// cluster-weights: gives each layer a few values, or vectors of them, that all its weights share, at little error of
// the output.
//
// Problem: a weight that is one of 2^b values is stored as an index of b bits, whatever the values are; uniform grids
// of as few points spend them where there are no weights. An index that stands for a vector of weights (neighbours
// among the inputs, or a kernel) takes less than a bit a weight. Method: layer by layer (pass/layer_fit.h) the values,
// their assignment and scales that are best as the output sees them (quant/codebook_search.h). The values are int8
// integers and each channel has a scale, chosen with them, so every engine and kernel runs the result; it is small
// where it is coded. The knobs are the bits of an index (`codebook_bits`), the weights it stands for
// (`codebook_vector`), and the groups of channels with a codebook of their own (`codebook_groups`). Cost: that of the
// moments and some rounds of descent.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tinyc/pass/layer_fit.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/prune_plan.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/pass/weight_grid.h"
#include "tinyc/quant/codebook_search.h"
#include "tinyc/quant/codebook_shape.h"

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

  std::string obstacle(const Graph& graph, const LinearLayer& layer) const override {
    return shape_of(graph, layer) ? "" : "it has no kernels, or too few of them for a codebook";
  }
  bool must_change(const Graph& /*graph*/, const LinearLayer& /*layer*/) const override { return true; }

  void choose(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) override {
    const WeightGrid grid = *WeightGrid::of(graph, layer);
    const CodebookSearch search = search_of(graph, layer, grid, std::move(errors));
    const CodebookPoint point = search_codebook(search, context_.threads);
    grid.store(graph, point.scales, point.steps);
    const Value& weight = graph[weight_id(graph, layer)];
    if (found_.empty() || found_.back().weight != weight.name) found_.push_back({graph[layer.id].name, weight.name});
    found_.back().length = search.length;
    found_.back().entries = std::ssize(point.codebook) / search.length;
  }

  struct Found {
    std::string node, weight;
    int64_t entries = 0, length = 1;  // of all codebooks, and of an entry
  };
  // In order; of a weight, what was chosen last.
  const std::vector<Found>& found() const { return found_; }

 private:
  CodebookSearch search_of(const Graph& graph, const LinearLayer& layer, const WeightGrid& grid,
                           std::vector<OutputError> errors) const {
    const CodebookShape shape = *shape_of(graph, layer);
    CodebookSearch search;
    search.groups = std::move(errors);
    search.held = held_weights(context_.masks, graph[weight_id(graph, layer)].name, layer.form());
    search.scale_of = grid.scale_of();
    search.smallest = grid.smallest(graph);
    search.power_of_two_scales = context_.settings.power_of_two_scales;
    search.bits = shape.bits;
    search.length = shape.length;
    search.order = shape.order;
    search.rows_together = rows_together(layer.form());
    search.q_max = grid.free().q_max;
    search.seed = context_.seed;
    return search;
  }

  // Rows that have a codebook together.
  int64_t rows_together(const LinearForm& form) const {
    const int64_t parts = context_.settings.codebook_groups;
    return (form.groups * form.rows + parts - 1) / parts;
  }

  std::optional<CodebookShape> shape_of(const Graph& graph, const LinearLayer& layer) const {
    const QuantizationSettings settings = settings_of_layer(context_.settings, graph[layer.id].name);
    return codebook_shape(settings.codebook_bits, settings.codebook_vector, layer.form(), taps_of(graph, layer),
                          rows_together(layer.form()));
  }

  const PassContext& context_;
  std::vector<Found> found_;
};

bool run(Graph& graph, PassContext& context) {
  if (context.settings.codebook_bits <= 0) return false;
  require_samples(context, "weights that share values (codebook_bits) need");
  Clustering method(context);
  const bool changed = fit_layers(graph, context, method);
  for (const Clustering::Found& found : method.found()) {
    const std::string vectors =
        found.length > 1 ? " vectors of " + std::to_string(found.length) + " values" : " values";
    context.note(found.node, "its weights share " + std::to_string(found.entries) + vectors);
    context.count(found.length > 1 ? "vectors" : "values", found.entries);
  }
  return changed;
}

}  // namespace

extern constexpr PassDef k_cluster_weights = make_pass<run>(
    "cluster-weights", "give each layer's weights a few values that they share", Contract::kLossy, Stage::kRepair);

}  // namespace tinyc
