// One run, stage by stage. The order of the stages lives here and nowhere else; the order of passes inside a stage
// lives in the recipe.
#include "tinyc/driver/compress.h"

#include <algorithm>
#include <chrono>

#include "driver/run_data.h"
#include "driver/run_goal.h"
#include "driver/run_result.h"
#include "tinyc/driver/calibration.h"
#include "tinyc/onnx/import.h"
#include "tinyc/ops/infer.h"

namespace tinyc {
namespace {

// Bytes of the model file; where the weights lie in files beside it, theirs too.
int64_t bytes_with_weights(const std::filesystem::path& path, const Graph& graph) {
  int64_t weights = 0;
  for (const Value& value : graph.values)
    weights += value.constant ? static_cast<int64_t>(value.constant->byte_size()) : 0;
  const auto file = static_cast<int64_t>(std::filesystem::file_size(path));
  return file < weights ? file + weights : file;
}

void import(RunState& run) {
  run.report.model = run.request.model.string();
  run.report.output = run.request.output.string();
  run.report.emitter = run.recipe.emit;
  run.report.recipe_hash = recipe_hash(run.recipe);
  run.graph = import_model(run.request.model, run.recipe.model);
  run.naming_model([&] { infer_types(run.graph); });
  run.report.bytes_before = bytes_with_weights(run.request.model, run.graph);
  run.context.settings = run.recipe.quantization;
  run.context.threads = run.threads;
  run.context.seed = static_cast<uint64_t>(run.recipe.seed);
}

void run_stage(RunState& run, Stage stage) {
  const std::vector<PassTiming> timings = run.run_stage(stage, run.graph, run.context);
  run.report.passes.insert(run.report.passes.end(), timings.begin(), timings.end());
}

bool is_quantized(const Graph& graph) {
  return std::any_of(graph.values.begin(), graph.values.end(),
                     [](const Value& value) { return value.quant.has_value(); });
}

void refuse_quantized(const RunState& run) {
  if (!is_quantized(run.graph)) return;
  throw Error(ErrorKind::kModel, run.request.model.string() + ": the model is quantized already",
              "use 'tinyc emit' to write it in another form, or compress the float model it was made from");
}

void refuse_unquantized(const RunState& run) {
  if (run.recipe[Stage::kAnnotate].empty()) return;  // as asked for
  if (is_quantized(run.graph)) return;
  const std::vector<FloatNode>& nodes = run.context.float_nodes;
  const std::string first = nodes.empty() ? std::string("it has no nodes that compute on floats")
                                          : "'" + nodes.front().node + "': " + nodes.front().reason;
  throw Error(ErrorKind::kModel, run.request.model.string() + ": there is nothing to quantize in this model", first);
}

void calibrate_ranges(RunState& run) {
  PassContext& context = run.context;
  run.statistics = calibrate_for(run.graph, context.moments, run.recipe, run.threads);
  run.report.data = run.recipe.data.calibration;
  run.report.calibration_samples = static_cast<int64_t>(run.statistics.samples);
  run.report.data_hash = run.statistics.data.hex();
  if (run.statistics.synthetic) {
    const std::string source = context.moments.empty() ? "generated inputs" : "the model's BatchNormalization";
    run.warn("no calibration data: ranges come from " + source + " and accuracy is unverified (give --calib DATA)");
  }
  context.statistics = &run.statistics;
  context.reference = &run.reference;
  if (context.samples.empty() || !prices_weights(run)) return;
  run.gains = measure_noise_gains(run.reference, context.samples, context.seed, run.threads);
  context.gains = &run.gains;
}

}  // namespace

void compress(const CompressRequest& request, Report& report) {
  const auto start = std::chrono::steady_clock::now();
  RunState run(request, report);

  // From here: a graph in the form of one opset, names unique, every op known or opaque.
  import(run);
  // From here: types inferred, constants folded; a quantized model's pairs are annotations.
  run_stage(run, Stage::kNormalize);
  refuse_quantized(run);
  // From here: the data fit the model.
  check_data(run);
  hold_samples_for_rewrite(run);
  // From here: the weights of the float model are final; what is compared with is fixed.
  run_stage(run, Stage::kRewrite);
  run.reference = run.graph;
  keep_samples_for_repair(run);
  // From here: every value that will be stored as integers has statistics.
  calibrate_ranges(run);
  // From here: what a goal is to choose is chosen.
  fit_share(run);
  // From here: the weights that stay 0 and the channels that go are known.
  run_stage(run, Stage::kPrune);
  // From here: the bits of every layer's weights are known.
  fit_goal(run);
  // From here: every such value has its parameters.
  run_stage(run, Stage::kAnnotate);
  refuse_unquantized(run);
  // From here: biases and roundings make up for what the grids took.
  run_stage(run, Stage::kRepair);
  run.context.samples.clear();
  // From here: constants are the integers that will be stored.
  run_stage(run, Stage::kPack);
  // From here: the error is known, layer by layer and end to end.
  measure_result(run);

  const EmitResult result = emit_result(run);
  report.bytes_after = result.bytes;
  if (result.program) predict_costs(run, *result.program);
  report.output_hash = hash_files(result.files);
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report.peak_memory_bytes = peak_memory_bytes();
  judge(run.recipe.gates, report);
  write_result(run, result.files);
  require_gates(report);
}

}  // namespace tinyc
