#include "tinyc/quant/variants.h"

#include "tinyc/base/parallel.h"
#include "tinyc/eval/remainder.h"

namespace tinyc {
namespace {

using Results = std::vector<std::vector<Tensor>>;

ErrorSums sum_errors(std::span<const std::vector<Tensor>> wanted, const Results& got) {
  ErrorSums sums;
  for (size_t sample = 0; sample < got.size(); ++sample) {
    for (size_t i = 0; i < got[sample].size(); ++i) {
      if (!is_floating(got[sample][i].dtype())) continue;
      sums.add(wanted[sample][i].to_float(), got[sample][i].to_float());
    }
  }
  return sums;
}

}  // namespace

Results run_samples(const Graph& graph, Engine engine, std::span<const Sample> samples, int threads) {
  const Program program(graph, {.engine = engine, .observed = {}});
  Results results(samples.size());
  std::vector<Workspace> workspaces(static_cast<size_t>(threads > 0 ? threads : hardware_threads()));
  parallel_for(static_cast<int64_t>(samples.size()), threads, [&](int64_t sample, int thread) {
    const auto at = static_cast<size_t>(sample);
    results[at] = program.run(samples[at], workspaces[static_cast<size_t>(thread)]);
  });
  return results;
}

std::vector<std::vector<ErrorSums>> measure_variants(const Graph& base, Engine engine, std::span<const Sample> samples,
                                                     std::span<const std::vector<Tensor>> wanted, int threads,
                                                     const std::function<std::vector<Graph>(size_t node)>& variants) {
  std::vector<std::vector<ErrorSums>> errors(base.nodes.size());
  LayerwiseRun run(base, engine, samples, threads);
  for (size_t i = 0; i < base.nodes.size(); ++i) {
    const NodeId id{static_cast<uint32_t>(i)};
    for (const Graph& variant : variants(i)) {
      const Remainder rest = remainder_of(variant, id, variant.outputs);
      std::vector<Sample> inputs(samples.size());
      for (size_t sample = 0; sample < samples.size(); ++sample) {
        for (ValueId value : rest.inputs) inputs[sample].push_back(run.value(sample, value));
      }
      errors[i].push_back(sum_errors(wanted, run_samples(rest.graph, Engine::kSimulated, inputs, threads)));
    }
    run.step(base, id);
  }
  return errors;
}

}  // namespace tinyc
