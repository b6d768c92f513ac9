// Speed of the float evaluator on ONNX models, one thread.
//
//   tinyc_float_bench [--benchmark_...] BATCH,BATCH,... MODEL.onnx...
//
// Each model is normalized as `tinyc compress` does before it calibrates (constants, BatchNormalization, paddings
// folded), then run on random numbers at each batch size that it accepts. Times are for one run; the counter is samples
// a second.
#include <benchmark/benchmark.h>

#include <any>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "tinyc/eval/program.h"
#include "tinyc/onnx/import.h"
#include "tinyc/ops/infer.h"
#include "tinyc/pass/pipeline.h"

namespace tinyc {
namespace {

constexpr std::string_view kPasses[] = {"remove-identities", "fold-constants", "fold-batchnorm", "fold-bias",
                                        "fold-pad"};

Graph load_normalized(const std::filesystem::path& path) {
  Graph graph = import_model(path);
  infer_types(graph);
  PassContext context;
  std::vector<PassStep> steps;
  for (const std::string_view name : kPasses) {
    const PassDef* pass = find_pass(name);
    TINYC_CHECK(pass != nullptr);
    steps.push_back({pass, pass->parse({})});
  }
  run_passes(graph, steps, context);
  return graph;
}

// A random tensor for an input whose first open dim is the batch; empty when the model wants another batch.
Tensor random_input(const TensorType& type, int64_t batch) {
  Dims dims;
  for (const Dim& dim : type.shape.dims()) dims.push_back(dim.known() ? dim.value : (dims.empty() ? batch : 1));
  if (dims.empty() || dims[0] != batch || type.dtype != DataType::kFloat) return {};
  Tensor tensor = Tensor::zeros(DataType::kFloat, std::move(dims));
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (float& element : tensor.mutable_data<float>()) element = normal(random);
  return tensor;
}

void run_model(benchmark::State& state, const Program& program, const std::vector<Tensor>& inputs) {
  Workspace workspace;
  for (auto _ : state) benchmark::DoNotOptimize(program.run(inputs, workspace));
  state.counters["samples_per_second"] = benchmark::Counter(
      static_cast<double>(inputs[0].dims()[0]) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void register_model(const std::filesystem::path& path, const std::vector<int64_t>& batches) {
  const auto program = std::make_shared<const Program>(load_normalized(path));
  for (const int64_t batch : batches) {
    std::vector<Tensor> inputs;
    bool fits = true;
    for (ValueId id : program->graph().inputs) {
      inputs.push_back(random_input(program->graph()[id].type, batch));
      fits = fits && inputs.back().defined();
    }
    if (!fits || inputs.empty()) continue;
    const std::string name = path.stem().string() + "/" + std::to_string(batch);
    benchmark::RegisterBenchmark(name.c_str(), [program, inputs](benchmark::State& state) {
      run_model(state, *program, inputs);
    })->Unit(benchmark::kMillisecond);
  }
}

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc < 3) {
    std::fputs("usage: tinyc_float_bench [--benchmark_...] BATCH,BATCH,... MODEL.onnx...\n", stderr);
    return 2;
  }
  std::vector<int64_t> batches;
  std::istringstream list(argv[1]);
  for (std::string batch; std::getline(list, batch, ',');) batches.push_back(std::stoll(batch));
  for (int i = 2; i < argc; ++i) register_model(argv[i], batches);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace tinyc

int main(int argc, char** argv) {
  try {
    return tinyc::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
