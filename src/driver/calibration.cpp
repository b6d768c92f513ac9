#include "tinyc/driver/calibration.h"

#include <algorithm>

#include "tinyc/base/error.h"
#include "tinyc/base/file.h"
#include "tinyc/base/hash.h"
#include "tinyc/base/progress.h"
#include "tinyc/driver/inspect.h"
#include "tinyc/driver/load.h"
#include "tinyc/eval/computable.h"
#include "tinyc/quant/calibrate.h"
#include "tinyc/quant/generate.h"
#include "tinyc/quant/ranges.h"
#include "tinyc/quant/recorded_run.h"

namespace tinyc {
namespace {

constexpr std::string_view kStatisticsSuffix = ".json";
constexpr uint64_t kMaxModelBytes = uint64_t{8} << 30;

// Activations of the float and of the simulated model that passes may hold for all their samples together.
constexpr int64_t kHeldBytes = int64_t{64} << 20;
constexpr int64_t kFewestHeldSamples = 4;
// The error of a mean over so many is far below the rounding that it corrects.
constexpr int64_t kMostHeldSamples = 2048;

Statistics collect(const Graph& graph, Dataset& data, std::span<const ValueId> observed, int threads) {
  Progress progress("calibrate", data.size());
  CalibrationOptions options;
  options.threads = threads;
  options.on_samples = [&](int64_t samples) { progress.advance(samples); };
  return calibrate(graph, data, observed, options);
}

// On generated inputs, of activations with the moments that are known.
Statistics collect_for(const Graph& part, Dataset& data, std::span<const ValueId> observed, const MomentTable& moments,
                       int threads) {
  if (!data.is_synthetic() || moments.empty()) return collect(part, data, observed, threads);
  const std::vector<Sample> samples = hold_samples(data, data.size());
  Statistics statistics = observe_recorded(part, moments, samples, observed, threads);
  statistics.data = data.digest();
  return statistics;
}

}  // namespace

bool names_statistics(const Recipe& recipe) {
  return recipe.data.calibration.ends_with(kStatisticsSuffix);
}

Dataset open_data(const Graph& graph, const std::string& path, const Recipe& recipe, int64_t limit) {
  DatasetOptions options;
  options.preprocess = recipe.data.preprocess;
  options.limit = limit;
  options.read_tensor = load_tensor_pb;
  return Dataset::open(path, model_inputs(graph), options);
}

Dataset open_calibration(const Graph& graph, const Recipe& recipe, int64_t limit, const MomentTable& moments) {
  const int64_t most = recipe.data.max_samples;
  const int64_t count = limit > 0 && most > 0 ? std::min(limit, most) : std::max(limit, most);
  if (!recipe.data.calibration.empty() && !names_statistics(recipe)) {
    return open_data(graph, recipe.data.calibration, recipe, count);
  }
  SyntheticOptions options = generated_inputs(graph, moments, static_cast<uint64_t>(recipe.seed));
  if (count > 0) options.samples = std::min(options.samples, count);
  return Dataset::synthetic(model_inputs(graph), options);
}

int64_t samples_to_hold(const Graph& graph) {
  const int64_t live = std::max<int64_t>(summarize(graph).peak_activation_bytes, 1);
  return std::clamp(kHeldBytes / (2 * live), kFewestHeldSamples, kMostHeldSamples);
}

std::vector<Sample> hold_samples(Dataset& data, int64_t count) {
  std::vector<Sample> samples;
  data.rewind();
  for (int64_t i = 0; i < count; ++i) {
    Batch batch = data.next(1);
    if (batch.size == 0) break;
    samples.push_back(std::move(batch.inputs));
  }
  return samples;
}

Statistics calibrate_for(const Graph& graph, const MomentTable& moments, const Recipe& recipe, int threads) {
  if (names_statistics(recipe)) return read_statistics(recipe.data.calibration);
  Dataset data = open_calibration(graph, recipe, 0, moments);
  const std::vector<ValueId> observed = observed_values(graph, plan_storage(graph, recipe.quantization));
  return collect_for(computable_part(graph), data, observed, moments, threads);
}

Statistics collect_statistics(const std::filesystem::path& path, const Recipe& recipe, int threads) {
  PassContext context;
  Graph graph = load_model(path, recipe.model);
  run_passes(graph, stage_steps(recipe, Stage::kRewrite), context);
  Dataset data = open_calibration(graph, recipe, 0, context.moments);
  const Graph part = computable_part(graph);
  Statistics statistics = collect_for(part, data, observable_values(part), context.moments, threads);
  statistics.model = hash_text(read_file(path, kMaxModelBytes)).hex();
  return statistics;
}

Graph annotate_model(const std::filesystem::path& path, const Recipe& recipe, int threads) {
  PassContext context;
  context.settings = recipe.quantization;
  context.threads = threads;
  context.seed = static_cast<uint64_t>(recipe.seed);
  Graph graph = load_model(path, recipe.model);
  run_passes(graph, stage_steps(recipe, Stage::kRewrite), context);
  const Statistics statistics = calibrate_for(graph, context.moments, recipe, threads);
  context.statistics = &statistics;
  const Graph reference = graph;
  context.reference = &reference;
  run_passes(graph, stage_steps(recipe, Stage::kAnnotate), context);
  return graph;
}

Graph pack_model(Graph graph, const Recipe& recipe) {
  PassContext context;
  context.settings = recipe.quantization;
  run_passes(graph, stage_steps(recipe, Stage::kPack), context);
  return graph;
}

}  // namespace tinyc
