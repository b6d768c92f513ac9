// One run, stage by stage. The order of the stages lives here and nowhere else; the order of passes inside a stage
// lives in the recipe.
#include "tinyc/driver/compress.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

#include "driver/batching.h"
#include "driver/layer_report.h"
#include "tinyc/base/error.h"
#include "tinyc/base/file.h"
#include "tinyc/base/log.h"
#include "tinyc/driver/calibration.h"
#include "tinyc/driver/depfile.h"
#include "tinyc/driver/emitters.h"
#include "tinyc/driver/inspect.h"
#include "tinyc/driver/measure.h"
#include "tinyc/eval/computable.h"
#include "tinyc/onnx/import.h"
#include "tinyc/ops/infer.h"
#include "tinyc/pass/pipeline.h"

namespace tinyc {
namespace {

// Of one run over the samples that rewriting passes are given.
constexpr int64_t kTriedMacs = int64_t{6} << 30;
constexpr int64_t kFewestTriedSamples = 16;
constexpr int64_t kMostTriedSamples = 256;
constexpr double kLeastShare = 0.02, kMostShare = 0.98;                            // that a goal may prune
constexpr std::array kSampled = {Stage::kRewrite, Stage::kPrune, Stage::kRepair};  // whose passes run the model
// Without data of its own, the measurement runs about this many multiply-accumulates; kernels for devices are slower.
struct Effort {
  int64_t macs, fewest_samples;
};
constexpr Effort kEffort = {int64_t{6} << 30, 16};
constexpr Effort kDeviceEffort = {int64_t{1} << 30, 4};

// Bytes of the model file; where the weights lie in files beside it, theirs too.
int64_t bytes_with_weights(const std::filesystem::path& path, const Graph& graph) {
  int64_t weights = 0;
  for (const Value& value : graph.values)
    weights += value.constant ? static_cast<int64_t>(value.constant->byte_size()) : 0;
  const auto file = static_cast<int64_t>(std::filesystem::file_size(path));
  return file < weights ? file + weights : file;
}

class Run {
 public:
  Run(const CompressRequest& request, Report& report)
      : request_(request), recipe_(request.recipe), threads_(resolve_threads(request.threads)), report_(report) {}

  void go() {
    const auto start = std::chrono::steady_clock::now();

    // From here: a graph in the form of one opset, names unique, every op known or opaque.
    import();
    // From here: types inferred, constants folded; a quantized model's pairs are annotations.
    run_stage(Stage::kNormalize);
    refuse_quantized();
    // From here: the data fit the model.
    check_data();
    hold_samples();
    // From here: the weights of the float model are final; what is compared with is fixed.
    run_stage(Stage::kRewrite);
    reference_ = graph_;
    keep_samples_for_repair();
    // From here: every value that will be stored as integers has statistics.
    calibrate_ranges();
    // From here: what a goal is to choose is chosen.
    fit_share();
    // From here: the weights that stay 0 and the channels that go are known.
    run_stage(Stage::kPrune);
    // From here: the bits of every layer's weights are known.
    fit_goal();
    // From here: every such value has its parameters.
    run_stage(Stage::kAnnotate);
    refuse_unquantized();
    // From here: biases and roundings make up for what the grids took.
    run_stage(Stage::kRepair);
    context_.samples.clear();
    // From here: constants are the integers that will be stored.
    run_stage(Stage::kPack);
    // From here: the error is known, layer by layer and end to end.
    measure();

    const EmitResult result = emit();
    report_.bytes_after = result.bytes;
    if (result.program) predict_costs(*result.program);
    report_.output_hash = hash_files(result.files);
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    report_.peak_memory_bytes = peak_memory_bytes();
    judge(recipe_.gates, report_);
    write(result.files);
    require_gates(report_);
  }

 private:
  void import() {
    report_.model = request_.model.string();
    report_.output = request_.output.string();
    report_.emitter = recipe_.emit;
    report_.recipe_hash = recipe_hash(recipe_);
    graph_ = import_model(request_.model, recipe_.model);
    with_context([&] { return request_.model.string(); }, [&] { infer_types(graph_); });
    report_.bytes_before = bytes_with_weights(request_.model, graph_);
    context_.settings = recipe_.quantization;
    context_.threads = threads_;
    context_.seed = static_cast<uint64_t>(recipe_.seed);
  }

  void run_stage(Stage stage) {
    const std::vector<PassStep> steps = stage_steps(recipe_, stage);
    const std::vector<PassTiming> timings =
        with_context([&] { return request_.model.string(); }, [&] { return run_passes(graph_, steps, context_); });
    report_.passes.insert(report_.passes.end(), timings.begin(), timings.end());
  }

  void refuse_quantized() const {
    const bool quantized = std::any_of(graph_.values.begin(), graph_.values.end(),
                                       [](const Value& value) { return value.quant.has_value(); });
    if (!quantized) return;
    throw Error(ErrorKind::kModel, request_.model.string() + ": the model is quantized already",
                "use 'tinyc emit' to write it in another form, or compress the float model it was made from");
  }

  // Complaints about data come before any work is done on them.
  void check_data() {
    report_.preprocess = to_string(recipe_.data.preprocess);
    if (recipe_.gates.max_drop && !open_evaluation().has_labels()) fail_without_labels("gate max_drop");
    if (recipe_.fit.drop && !open_evaluation().has_labels()) fail_without_labels("goal drop");
    if (!recipe_.data.evaluation.empty()) open_data(graph_, recipe_.data.evaluation, recipe_, 0);
  }

  void calibrate_ranges() {
    statistics_ = calibrate_for(graph_, context_.moments, recipe_, threads_);
    report_.data = recipe_.data.calibration;
    report_.calibration_samples = static_cast<int64_t>(statistics_.samples);
    report_.data_hash = statistics_.data.hex();
    if (statistics_.synthetic) {
      const std::string source = context_.moments.empty() ? "generated inputs" : "the model's BatchNormalization";
      warn("no calibration data: ranges come from " + source + " and accuracy is unverified (give --calib DATA)");
    }
    context_.statistics = &statistics_;
    context_.reference = &reference_;
    if (context_.samples.empty() || !prices_weights()) return;
    gains_ = measure_noise_gains(reference_, context_.samples, context_.seed, threads_);
    context_.gains = &gains_;
  }

  // Of a pass of stage prune: how much goes.
  void fit_share() {
    if (recipe_.fit.prune.empty()) return;
    require_samples();
    const Knob knob{kLeastShare, kMostShare, false, [&](double share) {
                      set_pruned_share(recipe_, recipe_.fit.prune, share);
                      PassContext context = context_;
                      Graph graph = graph_;
                      for (const Stage stage : {Stage::kPrune, Stage::kAnnotate, Stage::kRepair, Stage::kPack}) {
                        with_context([&] { return request_.model.string(); },
                                     [&] { return run_passes(graph, stage_steps(recipe_, stage), context); });
                      }
                      return graph;
                    }};
    const KnobSetting found = fit_knob(knob, recipe_.fit, fit_steps());
    set_pruned_share(recipe_, recipe_.fit.prune, found.value);
    report_.fit = FitResult{context_.settings, found.value, {}, found.bytes, found.trials};
  }

  void require_samples() const {
    if (!context_.samples.empty()) return;
    throw Error(ErrorKind::kUsage, "a goal needs samples that the model can be run on, not statistics");
  }

  FitSteps fit_steps() {
    FitSteps steps;
    steps.quantize = [&](const QuantizationSettings& settings) { return quantized(settings); };
    steps.pack = [&](const Graph& graph) { return after_stage(graph, Stage::kPack, context_); };
    steps.size = [&](const Graph& packed) { return size_of(packed); };
    steps.layer_bytes = [&](const Graph& packed) { return bytes_by_layer(packed, is_coded()); };
    steps.drop = [&](const Graph& packed) { return drop_of(packed); };
    return steps;
  }

  void fit_goal() {
    if (!recipe_.fit.any() || !recipe_.fit.prune.empty()) return;
    require_samples();
    report_.fit = prices_weights()
                      ? fit_noise(context_.settings, recipe_.fit, fit_steps())
                      : fit_bits(reference_, context_.settings, recipe_.fit, context_.samples, threads_, fit_steps());
    context_.settings = report_.fit->settings;
  }

  // Whether weights are rounded for a coder, or will be for a goal.
  bool prices_weights() const {
    const QuantizationSettings& settings = context_.settings;
    const bool coder_has_goal =
        recipe_.fit.any() && recipe_.fit.prune.empty() && !parse_coders(recipe_.weight_coder).empty();
    return settings.weight_noise > 0 || (coder_has_goal && settings.codebook_bits == 0);
  }

  // A copy after one stage; what passes say of it is forgotten.
  Graph after_stage(Graph graph, Stage stage, PassContext context) const {
    with_context([&] { return request_.model.string(); },
                 [&] { return run_passes(graph, stage_steps(recipe_, stage), context); });
    return graph;
  }

  Graph quantized(const QuantizationSettings& settings) const {
    PassContext context = context_;
    context.settings = settings;
    return after_stage(after_stage(graph_, Stage::kAnnotate, context), Stage::kRepair, context);
  }

  Size size_of(const Graph& packed) const {
    EmitRequest request;
    request.output = request_.output;
    request.model = request_.model;
    request.name = request_.name;
    request.coders = parse_coders(recipe_.weight_coder);
    request.fast_coding = recipe_.weight_coder == "fast";
    request.target = recipe_.target;
    request.gather_weights = gathers_weights(recipe_.onnx_weights);
    const EmitResult result = require_emitter(recipe_.emit).emit(packed, request);
    const bool plain = !result.program && !request.gather_weights;
    const bool coded = is_coded() || recipe_.fit.prune == "prune";
    const int64_t saved = coded && plain ? bytes_saved_by_coding(packed) : 0;
    return {result.bytes - saved, result.program ? result.program->arena_bytes : 0};
  }

  bool is_coded() const {
    const QuantizationSettings& settings = context_.settings;
    return settings.weight_noise > 0 || settings.codebook_bits > 0;
  }

  double drop_of(const Graph& packed) {
    Dataset data = open_evaluation();
    const Comparison measured =
        compare(reference_, packed, data, {.reference_engine = Engine::kFloat, .threads = threads_});
    if (!measured.top1 || !measured.top1_reference) fail_without_labels("goal drop");
    return *measured.top1_reference - *measured.top1;
  }

  void refuse_unquantized() const {
    if (recipe_[Stage::kAnnotate].empty()) return;  // as asked for
    const bool quantized = std::any_of(graph_.values.begin(), graph_.values.end(),
                                       [](const Value& value) { return value.quant.has_value(); });
    if (quantized) return;
    const std::string first = context_.float_nodes.empty() ? std::string("it has no nodes that compute on floats")
                                                           : "'" + context_.float_nodes.front().node +
                                                                 "': " + context_.float_nodes.front().reason;
    throw Error(ErrorKind::kModel, request_.model.string() + ": there is nothing to quantize in this model", first);
  }

  // The first calibration samples: for rewriting passes, which run whole models on them one by one, as many as take a
  // bounded time.
  void hold_samples() {
    if (recipe_.data.calibration.empty() || names_statistics(recipe_) || !runs_whole()) return;
    const bool wanted = std::any_of(kSampled.begin(), kSampled.end(), [&](Stage s) { return !recipe_[s].empty(); });
    if (!wanted && !recipe_.fit.any()) return;
    const int64_t macs = std::max<int64_t>(summarize(graph_).macs, 1);
    const int64_t for_rewrite = std::clamp(kTriedMacs / macs, kFewestTriedSamples, kMostTriedSamples);
    Dataset data = open_calibration(graph_, recipe_, 0, context_.moments);
    context_.samples = tinyc::hold_samples(data, std::max(for_rewrite, samples_to_hold(graph_)));
  }

  // Repairs hold activations of all samples together.
  void keep_samples_for_repair() {
    const auto most = static_cast<size_t>(samples_to_hold(graph_));
    if (context_.samples.size() > most) context_.samples.resize(most);
  }

  void measure() {
    Dataset data = open_evaluation();
    CompareOptions options;
    options.reference_engine = Engine::kFloat;
    options.engine = require_emitter(recipe_.emit).engine;
    options.layers = true;
    options.threads = threads_;
    options.kept = context_.kept;
    const Comparison measured =
        with_context([&] { return request_.model.string(); },
                     [&] { return compare(computable_part(reference_), computable_part(graph_), data, options); });
    report_.samples = measured.samples;
    if (runs_whole()) {
      report_.top1_float = measured.top1_reference;
      report_.top1 = measured.top1;
      report_.top1_agreement = measured.top1_agreement;
      for (const ValueError& output : measured.outputs) report_.outputs.push_back({output.name, output.error});
    } else {
      warn(
          "the model holds ops that tinyc cannot run: its outputs were not compared, the layers before these ops were");
    }
    if (options.engine == Engine::kInteger) count_device_steps();
    report_.float_nodes = context_.float_nodes;
    report_.notes = context_.notes;
    report_.counters = context_.counters;
    report_layers(reference_, graph_, measured, report_);
    if (is_coded() || !context_.masks.empty() || is_sparse(report_)) report_.storage = stored_layers(graph_);
    if (!report_.float_nodes.empty()) {
      warn(std::to_string(report_.float_nodes.size()) + " nodes stay in float; the report says which and why");
    }
  }

  // What a device computes against what an ONNX runtime computes from the same integers.
  void count_device_steps() {
    Dataset data = open_evaluation();
    const Comparison engines =
        compare(graph_, graph_, data,
                {.reference_engine = Engine::kSimulated, .engine = Engine::kInteger, .threads = threads_});
    for (size_t i = 0; i < report_.outputs.size(); ++i) report_.outputs[i].device_steps = engines.outputs[i].steps;
    report_.engine_agreement = engines.top1_agreement;
  }

  bool runs_whole() const { return computable_part(graph_).nodes.size() == graph_.nodes.size(); }

  // The data the result is judged by: all of what the user names for it, or a part of the calibration data that takes a
  // bounded time.
  Dataset open_evaluation() {
    if (!recipe_.data.evaluation.empty()) return open_data(graph_, recipe_.data.evaluation, recipe_, 0);
    if (recipe_.gates.max_drop || recipe_.fit.drop) return open_calibration(graph_, recipe_, 0, context_.moments);
    const int64_t macs = std::max<int64_t>(summarize(reference_).macs, 1);
    const Effort& effort = require_emitter(recipe_.emit).engine == Engine::kInteger ? kDeviceEffort : kEffort;
    return open_calibration(graph_, recipe_, std::max(effort.fewest_samples, effort.macs / macs), context_.moments);
  }

  EmitResult emit() {
    EmitRequest request;
    request.output = request_.output;
    request.model = request_.model;
    request.name = request_.name;
    request.recipe_hash = report_.recipe_hash;
    request.plain_inputs = request_.plain_inputs;
    request.coders = parse_coders(recipe_.weight_coder);
    request.fast_coding = recipe_.weight_coder == "fast";
    request.target = recipe_.target;
    request.gather_weights = gathers_weights(recipe_.onnx_weights);
    if (request_.test_vectors > 0) {
      Dataset data = open_data_for_vectors();
      for (Batch batch = data.next(1); batch.size > 0; batch = data.next(1))
        request.test_samples.push_back(batch.inputs);
    }
    return with_context([&] { return request_.model.string(); },
                        [&] { return require_emitter(recipe_.emit).emit(graph_, request); });
  }

  void predict_costs(const DeviceProgram& program) {
    const TargetDef& target = require_target(recipe_.target);
    report_.device = predict_cost(program, graph_, target);
    const bool narrow = std::any_of(graph_.values.begin(), graph_.values.end(), [](const Value& value) {
      return value.constant && value.quant && bits_of(value.constant->dtype()) < 8;
    });
    const bool coded = !parse_coders(recipe_.weight_coder).empty();
    if (!narrow && !coded) return;
    const DeviceOptions wide{.plain_inputs = request_.plain_inputs, .pack_weights = false};
    report_.device_int8 = predict_cost(make_device_program(graph_, wide), graph_, target);
  }

  Dataset open_data_for_vectors() {
    if (!recipe_.data.evaluation.empty()) {
      return open_data(graph_, recipe_.data.evaluation, recipe_, request_.test_vectors);
    }
    return open_calibration(graph_, recipe_, request_.test_vectors, context_.moments);
  }

  static std::string hash_files(const std::vector<OutputFile>& files) {
    if (files.size() == 1) return hash_text(files[0].bytes).hex();
    std::string all;
    for (const OutputFile& file : files) all += hash_text(file.bytes).hex();
    return hash_text(all).hex();
  }

  void write(const std::vector<OutputFile>& outputs) const {
    const bool failed =
        std::any_of(report_.gates.begin(), report_.gates.end(), [](const GateReport& gate) { return !gate.passed; });
    OutputSet files;
    if (!failed) {
      if (require_emitter(recipe_.emit).to_folder) std::filesystem::create_directories(request_.output);
      for (const OutputFile& output : outputs) files.add(output.path, output.bytes);
      if (!request_.depfile.empty()) files.add(request_.depfile, dependencies(outputs));
    }
    if (!request_.report.empty()) files.add(request_.report, to_json(report_).dump(2) + "\n");
    files.commit();
  }

  std::string dependencies(const std::vector<OutputFile>& outputs) const {
    std::vector<std::filesystem::path> targets;
    for (const OutputFile& output : outputs) targets.push_back(output.path);
    std::vector<std::filesystem::path> files = files_of_model(request_.model);
    for (const std::string& data : {recipe_.data.calibration, recipe_.data.evaluation}) {
      for (std::filesystem::path& file : files_of_data(data)) files.push_back(std::move(file));
    }
    if (!request_.recipe_file.empty()) files.push_back(request_.recipe_file);
    return depfile_text(targets, files);
  }

  void warn(std::string text) {
    log_warning(text);
    report_.warnings.push_back(std::move(text));
  }

  const CompressRequest& request_;
  Recipe recipe_;
  const int threads_;
  Report& report_;
  Graph graph_;
  NoiseGains gains_;
  Graph reference_;  // the float graph, with the nodes of graph_ in the same order
  PassContext context_;
  Statistics statistics_;
};

}  // namespace

void compress(const CompressRequest& request, Report& report) {
  Run(request, report).go();
}

}  // namespace tinyc
