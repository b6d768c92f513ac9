#include "pass/float_layers.h"

namespace tinyc {
namespace {

constexpr double kMostMacs = 1e9;  // for the moments of a layer
constexpr double kDamping = 1e-3;

}  // namespace

void visit_layers(const Graph& graph, const PassContext& context, const std::function<void(LinearLayer)>& visit) {
  LayerwiseRun run(graph, Engine::kFloat, context.samples, context.threads);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const NodeId id{static_cast<uint32_t>(i)};
    LayerResults results = run.compute(graph, id);
    if (graph[id].op != nullptr) {
      const LayerState state{graph, run, results};
      for (const int weight : graph[id].op->quant.weights) {
        if (auto layer = find_linear_layer(state, state, id, weight)) visit(std::move(*layer));
      }
    }
    run.store(graph, id, std::move(results));
  }
}

LayerMoments measure_moments(const Graph& graph, const LinearLayer& layer, int threads) {
  std::vector<MomentSample> samples;
  for (const LinearForm& form : layer.now) samples.push_back({&form, &form});
  LayerMoments result;
  result.sums = sum_moments(samples, affordable_stride(layer.now, kMostMacs), threads);
  for (size_t g = 0; g < result.sums.size(); ++g) {
    const Matrix& weights = layer.weights[g];
    const Moments& moments = result.moments.emplace_back(result.sums[g].moments(has_free_bias(graph, layer)));
    result.errors.push_back({damped(moments.h, kDamping), weights});
    result.power -= error_above_zeros(weights, weights, moments);
  }
  return result;
}

}  // namespace tinyc
