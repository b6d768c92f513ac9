// Each thread fetches a batch under a lock, runs it, and counts into histograms of its own, which are merged at the
// end: merging is exact, so nothing depends on who got which batch. The per-sample ranges go to their place by sample
// number.
//
// Ranges are per sample also when samples share a run. That needs to know which part of a value belongs to which
// sample: the batch axis of the inputs gets a symbol of its own, types are inferred anew, and where an observed value
// does not lead with that symbol, samples are run one by one.
#include "tinyc/quant/calibrate.h"

#include <algorithm>
#include <mutex>

#include "tinyc/base/error.h"
#include "tinyc/base/parallel.h"
#include "tinyc/eval/program.h"
#include "tinyc/ops/infer.h"

namespace tinyc {
namespace {

constexpr int64_t kRunBytes = 8 << 20;
constexpr int64_t kMaxBatch = 64;
constexpr const char* kBatchSymbol = "tinyc.batch";

Graph with_batch_symbol(const Graph& graph) {
  Graph marked = graph;
  for (const ValueId id : marked.inputs) {
    Shape& shape = marked[id].type.shape;
    if (shape.ranked() && shape.rank() > 0 && !shape[0].known()) shape[0] = Dim(std::string(kBatchSymbol));
  }
  infer_types(marked);
  return marked;
}

bool leads_with_batch(const Value& value) {
  const Shape& shape = value.type.shape;
  return shape.ranked() && shape.rank() > 0 && !shape[0].known() && shape[0].symbol == kBatchSymbol;
}

// Bytes of a value for one sample; what is open counts as 1.
int64_t sample_bytes(const Value& value) {
  double bytes = bits_of(value.type.dtype) / 8.0;
  for (const Dim& dim : value.type.shape.dims()) bytes *= dim.known() ? static_cast<double>(dim.value) : 1.0;
  return static_cast<int64_t>(std::min(bytes, 1e15));
}

// The most that one node reads and writes.
int64_t widest_node(const Graph& graph) {
  int64_t most = 1;
  for (const Node& node : graph.nodes) {
    int64_t bytes = 0;
    for (const auto* ids : {&node.inputs, &node.outputs}) {
      for (const ValueId id : *ids) {
        if (id != kNoValue && !graph[id].constant) bytes += sample_bytes(graph[id]);
      }
    }
    most = std::max(most, bytes);
  }
  return most;
}

// Histograms of one thread, and one run's worth of observation.
class Collector {
 public:
  Collector(const Graph& graph, std::span<const ValueId> observed)
      : graph_(graph), slot_(graph.values.size(), -1), histograms_(observed.size()) {
    for (size_t i = 0; i < observed.size(); ++i) slot_[index_of(observed[i])] = static_cast<int64_t>(i);
  }

  const std::vector<Histogram>& histograms() const { return histograms_; }

  // Calls keep(slot, sample of the batch, range) for each sample's part of the value.
  template <typename Keep>
  void observe(ValueId id, const Tensor& tensor, int64_t batch, Keep keep) {
    const auto slot = static_cast<size_t>(slot_[index_of(id)]);
    Histogram& histogram = histograms_[slot];
    const std::span<const float> values = tensor.data<float>();
    TINYC_CHECK(values.size() % static_cast<size_t>(batch) == 0);
    const size_t part = values.size() / static_cast<size_t>(batch);
    for (int64_t i = 0; i < batch; ++i) {
      const uint64_t nan_before = histogram.nan();
      const ValueRange range = histogram.add(values.subspan(static_cast<size_t>(i) * part, part));
      if (histogram.nan() != nan_before) {
        throw Error(ErrorKind::kModel, "value '" + graph_[id].name + "' is NaN",
                    "the float model itself computes no number for this sample");
      }
      keep(slot, i, range);
    }
  }

 private:
  const Graph& graph_;
  std::vector<int64_t> slot_;  // by value
  std::vector<Histogram> histograms_;
};

// Ranges of the last samples; each place is written by one thread, once.
class RecentRanges {
 public:
  RecentRanges(size_t values, int64_t samples)
      : kept_(std::min<int64_t>(samples, static_cast<int64_t>(ValueStatistics::kRecentSamples))),
        first_(samples - kept_),
        ranges_(values, std::vector<ValueRange>(static_cast<size_t>(kept_))) {}

  void keep(size_t slot, int64_t sample, ValueRange range) {
    if (sample >= first_) ranges_[slot][static_cast<size_t>(sample - first_)] = range;
  }
  std::vector<ValueRange> take(size_t slot) { return std::move(ranges_[slot]); }

 private:
  int64_t kept_;
  int64_t first_;
  std::vector<std::vector<ValueRange>> ranges_;
};

}  // namespace

std::vector<ValueId> observable_values(const Graph& graph) {
  std::vector<ValueId> values;
  const auto add = [&](ValueId id) {
    if (id != kNoValue && !graph[id].constant && graph[id].type.dtype == DataType::kFloat) values.push_back(id);
  };
  for (const ValueId id : graph.inputs) add(id);
  for (const Node& node : graph.nodes) {
    for (const ValueId id : node.outputs) add(id);
  }
  return values;
}

int64_t good_batch_size(const Graph& graph, const Dataset& dataset) {
  return std::min(dataset.max_batch(), std::clamp<int64_t>(kRunBytes / widest_node(graph), 1, kMaxBatch));
}

int64_t fitting_open_dim(const Graph& graph) {
  constexpr int64_t kSizes[] = {16, 64, 256, 512, 1024, 4096, 16000};
  const std::vector<ModelInput> inputs = model_inputs(graph);
  const bool is_open = std::any_of(inputs.begin(), inputs.end(), [](const ModelInput& input) {
    const std::vector<Dim>& dims = input.type.shape.dims();
    return std::any_of(dims.begin() + (dims.empty() ? 0 : 1), dims.end(), [](const Dim& dim) { return !dim.known(); });
  });
  if (!is_open) return kSizes[0];
  const Program program(graph);
  for (const int64_t size : kSizes) {
    try {
      SyntheticOptions options;
      options.open_dim = size;
      Workspace workspace;
      program.run(Dataset::synthetic(inputs, options).next(1).inputs, workspace);
      return size;
    } catch (const Error& error) {
      const bool may_fit_later = error.kind() == ErrorKind::kModel || error.kind() == ErrorKind::kUsage;
      if (!may_fit_later || size == std::end(kSizes)[-1]) throw;
    }
  }
  return kSizes[0];
}

Statistics calibrate(const Graph& graph, Dataset& dataset, std::span<const ValueId> observed,
                     const CalibrationOptions& options) {
  dataset.rewind();
  int64_t batch_size = good_batch_size(graph, dataset);
  if (batch_size > 1) {
    const Graph marked = with_batch_symbol(graph);
    const bool separable =
        std::all_of(observed.begin(), observed.end(), [&](ValueId id) { return leads_with_batch(marked[id]); });
    if (!separable) batch_size = 1;
  }
  Program::Options program_options;
  program_options.observed.assign(observed.begin(), observed.end());
  const Program program(graph, std::move(program_options));

  const int threads = options.threads > 0 ? options.threads : hardware_threads();
  std::vector<Workspace> workspaces(static_cast<size_t>(threads));
  std::vector<Collector> collectors(static_cast<size_t>(threads), Collector(graph, observed));
  RecentRanges recent(observed.size(), dataset.size());
  std::mutex mutex;
  bool data_failed = false;
  const auto fetch = [&] {
    const std::lock_guard lock(mutex);
    if (data_failed) return Batch();
    data_failed = true;
    Batch batch = dataset.next(batch_size);
    data_failed = false;
    return batch;
  };
  const int64_t batches = (dataset.size() + batch_size - 1) / batch_size;
  parallel_for(batches, threads, [&](int64_t, int thread) {
    const Batch batch = fetch();
    if (batch.size == 0) return;
    Collector& collector = collectors[static_cast<size_t>(thread)];
    const auto observe = [&](ValueId id, const Tensor& tensor) {
      collector.observe(id, tensor, batch.size, [&](size_t slot, int64_t sample, ValueRange range) {
        recent.keep(slot, batch.first + sample, range);
      });
    };
    with_context([&] { return "samples from " + std::to_string(batch.first); },
                 [&] { program.run(batch.inputs, workspaces[static_cast<size_t>(thread)], observe); });
    if (options.on_samples) options.on_samples(batch.size);
  });

  Statistics statistics;
  statistics.preprocess = to_string(dataset.preprocess());
  statistics.synthetic = dataset.is_synthetic();
  statistics.samples = static_cast<uint64_t>(dataset.size());
  statistics.data = dataset.digest();
  for (size_t i = 0; i < observed.size(); ++i) {
    ValueStatistics& value = statistics.values[graph[observed[i]].name];
    for (const Collector& collector : collectors) value.histogram.merge(collector.histograms()[i]);
    value.recent = recent.take(i);
  }
  return statistics;
}

}  // namespace tinyc
