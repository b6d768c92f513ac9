#include "tinyc/pass/trial.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "tinyc/base/parallel.h"
#include "tinyc/eval/computable.h"
#include "tinyc/ops/infer.h"
#include "tinyc/ops/op.h"
#include "tinyc/pass/pass.h"
#include "tinyc/quant/ranges.h"
#include "tinyc/quant/statistics.h"

namespace tinyc {
namespace {

constexpr int64_t kTrialMacs = int64_t{3} << 28;   // of one trial, in each of its two runs
constexpr int64_t kSearchMacs = int64_t{3} << 33;  // of all trials of a search
constexpr size_t kFewestSamples = 16;              // where there are as many: fewer judge by chance
constexpr size_t kMostSamples = 128;
constexpr size_t kFewestForMeans = 8;
constexpr double kLeastGain = 0.05;  // of log(noise / signal), 0.2 dB: what is less may be chance
constexpr double kLeastNoise = 1e-12;

int64_t macs_of_sample(Graph graph, const Sample& sample) {
  for (size_t i = 0; i < sample.size(); ++i) graph[graph.inputs[i]].type = sample[i].type();
  infer_types(graph);
  int64_t total = 0;
  for (const Node& node : graph.nodes) {
    if (node.op == nullptr || node.op->macs == nullptr) continue;
    std::vector<TensorType> inputs, outputs;
    for (const auto& [ids, types] : {std::pair{&node.inputs, &inputs}, std::pair{&node.outputs, &outputs}}) {
      for (ValueId id : *ids) types->push_back(id == kNoValue ? TensorType() : graph[id].type);
    }
    const auto sized = [](const TensorType& type) { return type.dtype == DataType::kUndefined || type.shape.known(); };
    const bool known =
        std::all_of(inputs.begin(), inputs.end(), sized) && std::all_of(outputs.begin(), outputs.end(), sized);
    if (known) total += node.op->macs(node, inputs, outputs);
  }
  return std::max<int64_t>(total, 1);
}

// What stands for each output: its scores, where it is a function of fixed range.
std::vector<std::string> measured_values(const Graph& graph) {
  const Uses uses(graph);
  std::vector<std::string> names;
  for (ValueId output : graph.outputs) {
    if (graph[output].type.dtype != DataType::kFloat) continue;
    const NodeId producer = uses.producer_of(output);
    const bool bounded = producer != kNoNode && graph[producer].op != nullptr &&
                         graph[producer].op->quant.kind == QuantKind::kFixedRange;
    const ValueId scores = bounded ? graph[producer].inputs[0] : output;
    names.push_back(graph[uses.producer_of(scores) == kNoNode ? output : scores].name);
  }
  return names;
}

std::vector<ValueId> values_named(const Graph& graph, const std::vector<std::string>& names) {
  std::map<std::string_view, ValueId> by_name;
  for (size_t i = 0; i < graph.values.size(); ++i) by_name.emplace(graph.values[i].name, ValueId(i));
  std::vector<ValueId> ids;
  for (const std::string& name : names) ids.push_back(by_name.at(name));
  return ids;
}

// Calls take(sample, value, tensor) for the values of every sample, from several threads.
template <typename Take>
void run_samples(const Graph& graph, Engine engine, const std::vector<ValueId>& observed,
                 std::span<const Sample> samples, int threads, Take take) {
  Program::Options options;
  options.engine = engine;
  options.observed = observed;
  const Program program(graph, options);
  std::vector<Workspace> workspaces(static_cast<size_t>(std::max(threads, 1)));
  parallel_for(static_cast<int64_t>(samples.size()), threads, [&](int64_t sample, int thread) {
    static_cast<void>(
        program.run(samples[static_cast<size_t>(sample)], workspaces[static_cast<size_t>(thread)],
                    [&](ValueId id, const Tensor& tensor) { take(static_cast<size_t>(sample), id, tensor); }));
  });
}

Statistics statistics_of(const Graph& graph, const PassContext& context, std::span<const Sample> samples) {
  const std::vector<ValueId> observed = observed_values(graph, plan_storage(graph, context.settings));
  std::map<ValueId, size_t> slots;
  for (ValueId id : observed) slots.emplace(id, slots.size());
  std::vector<std::vector<Histogram>> histograms(samples.size(), std::vector<Histogram>(slots.size()));
  std::vector<std::vector<ValueRange>> ranges(samples.size(), std::vector<ValueRange>(slots.size()));
  run_samples(graph, Engine::kFloat, observed, samples, context.threads,
              [&](size_t sample, ValueId id, const Tensor& tensor) {
                const size_t slot = slots.at(id);
                ranges[sample][slot] = histograms[sample][slot].add(tensor.data<float>());
              });
  Statistics statistics;
  statistics.samples = samples.size();
  for (const auto& [id, slot] : slots) {
    ValueStatistics& value = statistics.values[graph[id].name];
    for (size_t sample = 0; sample < samples.size(); ++sample) {
      value.histogram.merge(histograms[sample][slot]);
      value.recent.push_back(ranges[sample][slot]);
    }
  }
  return statistics;
}

// log(noise / signal) over samples, after the mean of each element's error is taken away where samples have equal dims.
double log_noise(const std::vector<std::vector<Tensor>>& exact, const std::vector<std::vector<Tensor>>& rounded,
                 size_t value) {
  const auto size = static_cast<size_t>(exact.front()[value].size());
  std::vector<double> sums(size, 0.0);
  double signal = 0, noise = 0;
  for (size_t sample = 0; sample < exact.size(); ++sample) {
    const auto a = exact[sample][value].data<float>(), b = rounded[sample][value].data<float>();
    for (size_t i = 0; i < a.size(); ++i) {
      const double error = static_cast<double>(b[i]) - static_cast<double>(a[i]);
      signal += static_cast<double>(a[i]) * static_cast<double>(a[i]);
      noise += error * error;
      if (a.size() == size) sums[i] += error;
    }
  }
  if (exact.size() >= kFewestForMeans) {
    for (const double sum : sums) noise -= sum * sum / static_cast<double>(exact.size());
  }
  return std::log(std::max(noise, kLeastNoise * signal) / std::max(signal, 1e-30) + 1e-30);
}

}  // namespace

QuantizationTrial::QuantizationTrial(const Graph& graph, const PassContext& context) : context_(context) {
  TINYC_CHECK(context.samples.size() >= 2);
  const int64_t macs = macs_of_sample(graph, context.samples.front());
  const size_t wanted = std::clamp(static_cast<size_t>(2 * kTrialMacs / macs), kFewestSamples, kMostSamples);
  const size_t count = std::min(wanted, context.samples.size());
  for (size_t i = 0; i < count; ++i) (i % 2 == 0 ? seen_ : unseen_).push_back(context.samples[i]);
  budget_ = std::max<int64_t>(kSearchMacs / (macs * static_cast<int64_t>(count)), 1);
  names_ = measured_values(graph);
  exact_ = scores(graph, Engine::kFloat);
}

std::vector<std::vector<Tensor>> QuantizationTrial::scores(const Graph& graph, Engine engine) const {
  const std::vector<ValueId> measured = values_named(graph, names_);
  std::vector<std::vector<Tensor>> found(unseen_.size(), std::vector<Tensor>(measured.size()));
  run_samples(graph, engine, measured, unseen_, context_.threads, [&](size_t sample, ValueId id, const Tensor& tensor) {
    for (size_t k = 0; k < measured.size(); ++k) {
      if (measured[k] == id) found[sample][k] = Tensor::of<float>(tensor.dims(), tensor.data<float>());
    }
  });
  return found;
}

double QuantizationTrial::error(const Graph& graph) const {
  Graph annotated = graph;
  PassContext context;
  context.settings = context_.settings;
  const Statistics statistics = statistics_of(graph, context_, seen_);
  context.statistics = &statistics;
  context.threads = context_.threads;
  context.pass = "annotate";
  const PassDef& annotate = *find_pass("annotate");
  annotate.run(annotated, annotate.parse({}), context);
  const std::vector<std::vector<Tensor>> rounded = scores(annotated, Engine::kSimulated);
  double total = 0;
  for (size_t value = 0; value < names_.size(); ++value) total += log_noise(exact_, rounded, value);
  return total;
}

std::vector<bool> choose_changes(const QuantizationTrial& trial, size_t count,
                                 const std::function<Graph(const std::vector<bool>& chosen)>& build) {
  std::vector<bool> kept(count, false);
  int64_t left = trial.budget();
  double least = trial.error(build(kept));
  const std::function<void(size_t, size_t)> add = [&](size_t first, size_t last) {
    if (first == last || left-- <= 0) return;
    std::vector<bool> tried = kept;
    std::fill(tried.begin() + static_cast<std::ptrdiff_t>(first), tried.begin() + static_cast<std::ptrdiff_t>(last),
              true);
    const double error = trial.error(build(tried));
    if (error < least - kLeastGain) {
      least = error;
      kept = std::move(tried);
    } else if (last - first > 1) {
      const size_t middle = (first + last) / 2;
      add(first, middle);
      add(middle, last);
    }
  };
  add(0, count);
  return kept;
}

}  // namespace tinyc
