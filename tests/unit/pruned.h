// A float graph behind a pass of stage prune.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "unit/small_graphs.h"

namespace tinyc::testing {

using PassOptions = std::map<std::string, OptionValue>;

struct Pruned {
  Graph reference, graph;
  std::unique_ptr<CalibratedContext> calibrated;

  const PassContext& context() const { return calibrated->context; }
};

inline Pruned prune_with(const Graph& model, const std::string& pass, const PassOptions& options, int threads = 2) {
  Pruned result{model, model, std::make_unique<CalibratedContext>(model)};
  PassContext& context = result.calibrated->context;
  context.samples.clear();
  for (uint64_t seed = 0; seed < 24; ++seed) context.samples.push_back(random_sample(model, 900 + 31 * seed));
  context.threads = threads;
  run_pass(result.graph, pass, context, options);
  return result;
}

}  // namespace tinyc::testing
