#include "tinyc/pass/pipeline.h"

#include <chrono>

#include "tinyc/base/error.h"
#include "tinyc/ir/verify.h"
#include "tinyc/ops/infer.h"

namespace tinyc {

std::vector<PassTiming> run_passes(Graph& graph, std::span<const PassStep> steps, PassContext& context,
                                   const std::function<void(const PassDef&, const Graph&)>& after) {
  std::vector<PassTiming> timings;
  for (const PassStep& step : steps) {
    const auto start = std::chrono::steady_clock::now();
    context.pass = step.pass->name;
    const bool changed = with_context([&] { return "pass '" + context.pass + "'"; },
                                      [&] {
                                        const bool did = step.pass->run(graph, step.options, context);
                                        if (did) infer_types(graph);
                                        verify(graph);
                                        return did;
                                      });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    timings.push_back({context.pass, seconds.count(), changed});
    if (after) after(*step.pass, graph);
  }
  context.pass.clear();
  return timings;
}

}  // namespace tinyc
