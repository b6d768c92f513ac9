#include "driver/run_result.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "driver/layer_report.h"
#include "driver/run_data.h"
#include "tinyc/base/file.h"
#include "tinyc/driver/depfile.h"
#include "tinyc/driver/measure.h"
#include "tinyc/eval/computable.h"

namespace tinyc {
namespace {

// What a device computes against what an ONNX runtime computes from the same integers.
void count_device_steps(RunState& run) {
  Dataset data = open_evaluation(run);
  const Comparison engines =
      compare(run.graph, run.graph, data,
              {.reference_engine = Engine::kSimulated, .engine = Engine::kInteger, .threads = run.threads});
  Report& report = run.report;
  for (size_t i = 0; i < report.outputs.size(); ++i) report.outputs[i].device_steps = engines.outputs[i].steps;
  report.engine_agreement = engines.top1_agreement;
}

void report_outputs(RunState& run, const Comparison& measured) {
  run.report.samples = measured.samples;
  if (!run.runs_whole()) {
    run.warn(
        "the model holds ops that tinyc cannot run: its outputs were not compared, the layers before these ops were");
    return;
  }
  run.report.top1_float = measured.top1_reference;
  run.report.top1 = measured.top1;
  run.report.top1_agreement = measured.top1_agreement;
  for (const ValueError& output : measured.outputs) run.report.outputs.push_back({output.name, output.error});
}

std::string dependencies(const RunState& run, const std::vector<OutputFile>& outputs) {
  std::vector<std::filesystem::path> targets;
  for (const OutputFile& output : outputs) targets.push_back(output.path);
  std::vector<std::filesystem::path> files = files_of_model(run.request.model);
  for (const std::string& data : {run.recipe.data.calibration, run.recipe.data.evaluation}) {
    for (std::filesystem::path& file : files_of_data(data)) files.push_back(std::move(file));
  }
  if (!run.request.recipe_file.empty()) files.push_back(run.request.recipe_file);
  return depfile_text(targets, files);
}

}  // namespace

EmitRequest emit_request(const RunState& run) {
  EmitRequest request;
  request.output = run.request.output;
  request.model = run.request.model;
  request.name = run.request.name;
  request.recipe_hash = run.report.recipe_hash;
  request.plain_inputs = run.request.plain_inputs;
  request.coders = parse_coders(run.recipe.weight_coder);
  request.fast_coding = run.recipe.weight_coder == "fast";
  request.target = run.recipe.target;
  request.gather_weights = gathers_weights(run.recipe.onnx_weights);
  return request;
}

void measure_result(RunState& run) {
  Dataset data = open_evaluation(run);
  CompareOptions options;
  options.reference_engine = Engine::kFloat;
  options.engine = require_emitter(run.recipe.emit).engine;
  options.layers = true;
  options.threads = run.threads;
  options.kept = run.context.kept;
  const Comparison measured = run.naming_model(
      [&] { return compare(computable_part(run.reference), computable_part(run.graph), data, options); });
  report_outputs(run, measured);
  if (options.engine == Engine::kInteger) count_device_steps(run);
  Report& report = run.report;
  report.float_nodes = run.context.float_nodes;
  report.notes = run.context.notes;
  report.counters = run.context.counters;
  report_layers(run.reference, run.graph, measured, report);
  if (run.is_coded() || !run.context.masks.empty() || is_sparse(report)) report.storage = stored_layers(run.graph);
  if (!report.float_nodes.empty()) {
    run.warn(std::to_string(report.float_nodes.size()) + " nodes stay in float; the report says which and why");
  }
}

EmitResult emit_result(const RunState& run) {
  EmitRequest request = emit_request(run);
  if (run.request.test_vectors > 0) {
    Dataset data = open_data_for_vectors(run);
    for (Batch batch = data.next(1); batch.size > 0; batch = data.next(1)) request.test_samples.push_back(batch.inputs);
  }
  return run.naming_model([&] { return require_emitter(run.recipe.emit).emit(run.graph, request); });
}

void predict_costs(RunState& run, const DeviceProgram& program) {
  const Graph& graph = run.graph;
  const TargetDef& target = require_target(run.recipe.target);
  run.report.device = predict_cost(program, graph, target);
  const bool narrow = std::any_of(graph.values.begin(), graph.values.end(), [](const Value& value) {
    return value.constant && value.quant && bits_of(value.constant->dtype()) < 8;
  });
  const bool coded = !parse_coders(run.recipe.weight_coder).empty();
  if (!narrow && !coded) return;
  const DeviceOptions wide{.plain_inputs = run.request.plain_inputs, .pack_weights = false};
  run.report.device_int8 = predict_cost(make_device_program(graph, wide), graph, target);
}

std::string hash_files(const std::vector<OutputFile>& files) {
  if (files.size() == 1) return hash_text(files[0].bytes).hex();
  std::string all;
  for (const OutputFile& file : files) all += hash_text(file.bytes).hex();
  return hash_text(all).hex();
}

void write_result(const RunState& run, const std::vector<OutputFile>& outputs) {
  const std::vector<GateReport>& gates = run.report.gates;
  OutputSet files;
  if (std::all_of(gates.begin(), gates.end(), [](const GateReport& gate) { return gate.passed; })) {
    if (require_emitter(run.recipe.emit).to_folder) std::filesystem::create_directories(run.request.output);
    for (const OutputFile& output : outputs) files.add(output.path, output.bytes);
    if (!run.request.depfile.empty()) files.add(run.request.depfile, dependencies(run, outputs));
  }
  if (!run.request.report.empty()) files.add(run.request.report, to_json(run.report).dump(2) + "\n");
  files.commit();
}

}  // namespace tinyc
