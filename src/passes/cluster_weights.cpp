// cluster-weights: gives each layer a few values that all its weights share, at little error of the output.
//
// Problem: a weight that is one of 2^b values is stored as an index of b bits, whatever the values are; uniform grids
// of as few points spend them where there are no weights. Method: layer by layer (pass/layer_fit.h) the values, their
// assignment and scales that are best as the output sees them (quant/codebook_search.h). The values are int8 integers
// and scales stay those of channels, so every engine and kernel runs the result; it is small where it is coded. How
// many values there are is the one knob (`codebook_bits`). Cost: that of the moments and some rounds of descent.
#include <string>
#include <utility>
#include <vector>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/pass/layer_fit.h"
#include "tinyc/pass/make_pass.h"
#include "tinyc/pass/rewrite.h"
#include "tinyc/quant/codebook_search.h"

namespace tinyc {
namespace {

class Clustering final : public LayerMethod {
 public:
  explicit Clustering(const PassContext& context) : context_(context) {}

  bool treats(const Graph& graph, const Node& node, int weight) const override {
    const ValueId id = operand(node, weight);
    if (id == kNoValue || !graph[id].constant || !graph[id].quant) return false;
    const auto* params = std::get_if<QParams>(&*graph[id].quant);
    return params != nullptr && params->block == 0 && params->q_step == 1 &&
           settings_of_layer(context_.settings, node.name).codebook_bits > 0;
  }

  std::string obstacle(const Graph& /*graph*/, const LinearLayer& /*layer*/) const override { return {}; }
  bool must_change(const Graph& /*graph*/, const LinearLayer& /*layer*/) const override { return true; }

  void choose(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) override {
    const LinearForm& form = layer.form();
    Value& weight = graph[operand(graph[layer.id], layer.weight)];
    auto& params = std::get<QParams>(*weight.quant);
    const CodebookSearch search = search_of(graph, layer, std::move(errors));
    const CodebookPoint point = search_codebook(search, context_.threads);
    for (size_t i = 0; i < params.scales.size(); ++i) params.scales[i] = static_cast<float>(point.scales[i]);
    std::vector<Matrix> weights = point.steps;
    for (size_t g = 0; g < weights.size(); ++g) {
      for (int64_t r = 0; r < form.rows; ++r) {
        const double scale = point.scales[search.scale_of[g][static_cast<size_t>(r)]];
        for (double& w : weights[g].row(r)) w = w * scale + 0.0;  // no negative zeros
      }
    }
    weight.constant = replaced_weights(form, *weight.constant, weights);
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
  CodebookSearch search_of(const Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) const {
    const LinearForm& form = layer.form();
    const Value& weight = graph[operand(graph[layer.id], layer.weight)];
    const auto& params = std::get<QParams>(*weight.quant);
    const ScaleIndex scale_idx(params, weight.constant->dims());
    CodebookSearch search;
    search.groups = std::move(errors);
    const auto mask = context_.masks.find(weight.name);
    if (mask != context_.masks.end()) search.held = group_masks(form, mask->second);
    for (int64_t g = 0; g < form.groups; ++g) {
      std::vector<size_t>& of_row = search.scale_of.emplace_back();
      for (int64_t r = 0; r < form.rows; ++r) of_row.push_back(scale_idx(form.weight_at(g, r, 0)));
    }
    search.smallest = smallest_scales_for_bias(graph, layer, params.scales.size());
    search.power_of_two_scales = context_.settings.power_of_two_scales;
    search.bits = settings_of_layer(context_.settings, graph[layer.id].name).codebook_bits;
    search.q_max = params.q_max;
    search.seed = context_.seed;
    return search;
  }

  const PassContext& context_;
  std::vector<Found> found_;
};

bool run(Graph& graph, PassContext& context) {
  if (context.settings.codebook_bits <= 0) return false;
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
