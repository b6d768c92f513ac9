#include "driver/run_data.h"

#include <algorithm>
#include <array>

#include "tinyc/driver/calibration.h"
#include "tinyc/driver/emitters.h"
#include "tinyc/driver/inspect.h"

namespace tinyc {
namespace {

// Of one run over the samples that rewriting passes are given.
constexpr int64_t kTriedMacs = int64_t{6} << 30;
constexpr int64_t kFewestTriedSamples = 16;
constexpr int64_t kMostTriedSamples = 256;
constexpr std::array kSampled = {Stage::kRewrite, Stage::kPrune, Stage::kRepair};  // whose passes run the model
// Without data of its own, the measurement runs about this many multiply-accumulates; kernels for devices are slower.
struct Effort {
  int64_t macs, fewest_samples;
};
constexpr Effort kEffort = {int64_t{6} << 30, 16};
constexpr Effort kDeviceEffort = {int64_t{1} << 30, 4};

int64_t macs_of(const Graph& graph) {
  return std::max<int64_t>(summarize(graph).macs, 1);
}

}  // namespace

void check_data(RunState& run) {
  const Recipe& recipe = run.recipe;
  run.report.preprocess = to_string(recipe.data.preprocess);
  if (recipe.gates.max_drop && !open_evaluation(run).has_labels()) fail_without_labels("gate max_drop");
  if (recipe.fit.drop && !open_evaluation(run).has_labels()) fail_without_labels("goal drop");
  if (!recipe.data.evaluation.empty()) open_data(run.graph, recipe.data.evaluation, recipe, 0);
}

void hold_samples_for_rewrite(RunState& run) {
  const Recipe& recipe = run.recipe;
  if (recipe.data.calibration.empty() || names_statistics(recipe) || !run.runs_whole()) return;
  const bool wanted = std::any_of(kSampled.begin(), kSampled.end(), [&](Stage s) { return !recipe[s].empty(); });
  if (!wanted && !recipe.fit.any()) return;
  const int64_t for_rewrite = std::clamp(kTriedMacs / macs_of(run.graph), kFewestTriedSamples, kMostTriedSamples);
  Dataset data = open_calibration(run.graph, recipe, 0, run.context.moments);
  run.context.samples = hold_samples(data, std::max(for_rewrite, samples_to_hold(run.graph)));
}

void keep_samples_for_repair(RunState& run) {
  const auto most = static_cast<size_t>(samples_to_hold(run.graph));
  if (run.context.samples.size() > most) run.context.samples.resize(most);
}

void require_samples_for_goal(const RunState& run) {
  if (!run.context.samples.empty()) return;
  throw Error(ErrorKind::kUsage, "a goal needs samples that the model can be run on, not statistics");
}

Dataset open_evaluation(const RunState& run) {
  const Recipe& recipe = run.recipe;
  if (!recipe.data.evaluation.empty()) return open_data(run.graph, recipe.data.evaluation, recipe, 0);
  if (recipe.gates.max_drop || recipe.fit.drop) return open_calibration(run.graph, recipe, 0, run.context.moments);
  const Effort& effort = require_emitter(recipe.emit).engine == Engine::kInteger ? kDeviceEffort : kEffort;
  const int64_t samples = std::max(effort.fewest_samples, effort.macs / macs_of(run.reference));
  return open_calibration(run.graph, recipe, samples, run.context.moments);
}

Dataset open_data_for_vectors(const RunState& run) {
  const int64_t count = run.request.test_vectors;
  if (!run.recipe.data.evaluation.empty()) return open_data(run.graph, run.recipe.data.evaluation, run.recipe, count);
  return open_calibration(run.graph, run.recipe, count, run.context.moments);
}

}  // namespace tinyc
