#include "driver/run_goal.h"

#include "driver/run_data.h"
#include "driver/run_result.h"
#include "tinyc/driver/measure.h"

namespace tinyc {
namespace {

constexpr double kLeastShare = 0.02, kMostShare = 0.98;  // that a goal may prune

// A copy after some stages; what passes say of it is forgotten.
Graph after_stages(const RunState& run, Graph graph, PassContext context, std::initializer_list<Stage> stages) {
  for (const Stage stage : stages) run.run_stage(stage, graph, context);
  return graph;
}

Size size_of(const RunState& run, const Graph& packed) {
  const EmitRequest request = emit_request(run);
  const EmitResult result = require_emitter(run.recipe.emit).emit(packed, request);
  const bool plain = !result.program && !request.gather_weights;
  const bool coded = run.is_coded() || run.recipe.fit.prune == "prune";
  const int64_t saved = coded && plain ? bytes_saved_by_coding(packed) : 0;
  return {result.bytes - saved, result.program ? result.program->arena_bytes : 0};
}

double drop_of(const RunState& run, const Graph& packed) {
  Dataset data = open_evaluation(run);
  const Comparison measured =
      compare(run.reference, packed, data, {.reference_engine = Engine::kFloat, .threads = run.threads});
  if (!measured.top1 || !measured.top1_reference) fail_without_labels("goal drop");
  return *measured.top1_reference - *measured.top1;
}

FitSteps fit_steps(const RunState& run) {
  FitSteps steps;
  steps.quantize = [&](const QuantizationSettings& settings) {
    PassContext context = run.context;
    context.settings = settings;
    Graph annotated = after_stages(run, run.graph, context, {Stage::kAnnotate});
    return after_stages(run, std::move(annotated), std::move(context), {Stage::kRepair});
  };
  steps.pack = [&](const Graph& graph) { return after_stages(run, graph, run.context, {Stage::kPack}); };
  steps.size = [&](const Graph& packed) { return size_of(run, packed); };
  steps.layer_bytes = [&](const Graph& packed) { return bytes_by_layer(packed, run.is_coded()); };
  steps.drop = [&](const Graph& packed) { return drop_of(run, packed); };
  return steps;
}

}  // namespace

bool prices_weights(const RunState& run) {
  const QuantizationSettings& settings = run.context.settings;
  const FitGoal& goal = run.recipe.fit;
  const bool coder_has_goal = goal.any() && goal.prune.empty() && !parse_coders(run.recipe.weight_coder).empty();
  return settings.weight_noise > 0 || (coder_has_goal && settings.codebook_bits == 0);
}

void fit_share(RunState& run) {
  const FitGoal goal = run.recipe.fit;
  if (goal.prune.empty()) return;
  require_samples_for_goal(run);
  const Knob knob{kLeastShare, kMostShare, false, [&](double share) {
                    set_pruned_share(run.recipe, goal.prune, share);
                    return after_stages(run, run.graph, run.context,
                                        {Stage::kPrune, Stage::kAnnotate, Stage::kRepair, Stage::kPack});
                  }};
  const KnobSetting found = fit_knob(knob, goal, fit_steps(run));
  set_pruned_share(run.recipe, goal.prune, found.value);
  run.report.fit = FitResult{run.context.settings, found.value, {}, found.bytes, found.trials};
}

void fit_goal(RunState& run) {
  const FitGoal& goal = run.recipe.fit;
  if (!goal.any() || !goal.prune.empty()) return;
  require_samples_for_goal(run);
  QuantizationSettings& settings = run.context.settings;
  run.report.fit = prices_weights(run)
                       ? fit_noise(settings, goal, fit_steps(run))
                       : fit_bits(run.reference, settings, goal, run.context.samples, run.threads, fit_steps(run));
  settings = run.report.fit->settings;
}

}  // namespace tinyc
