#include "driver/run_state.h"

#include "tinyc/base/log.h"
#include "tinyc/eval/computable.h"
#include "tinyc/pass/pipeline.h"

namespace tinyc {

std::vector<PassTiming> RunState::run_stage(Stage stage, Graph& of, PassContext& with) const {
  const std::vector<PassStep> steps = stage_steps(recipe, stage);
  return naming_model([&] { return run_passes(of, steps, with); });
}

bool RunState::runs_whole() const {
  return computable_part(graph).nodes.size() == graph.nodes.size();
}

void RunState::warn(std::string text) {
  log_warning(text);
  report.warnings.push_back(std::move(text));
}

}  // namespace tinyc
