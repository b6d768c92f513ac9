#include "tinyc/quant/generate.h"

#include "tinyc/quant/calibrate.h"

namespace tinyc {

SyntheticOptions generated_inputs(const Graph& graph, const MomentTable& moments, uint64_t seed) {
  SyntheticOptions options;
  options.seed = seed;
  options.open_dim = fitting_open_dim(graph);
  options.inputs = fit_inputs(graph, moments);
  return options;
}

std::vector<Sample> generate_samples(const Graph& graph, const MomentTable& moments, uint64_t seed) {
  Dataset data = Dataset::synthetic(model_inputs(graph), generated_inputs(graph, moments, seed));
  std::vector<Sample> samples;
  for (Batch batch = data.next(1); batch.size > 0; batch = data.next(1)) samples.push_back(std::move(batch.inputs));
  return samples;
}

}  // namespace tinyc
