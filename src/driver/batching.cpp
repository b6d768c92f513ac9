#include "driver/batching.h"

#include <algorithm>
#include <vector>

#include "tinyc/base/error.h"
#include "tinyc/base/parallel.h"

namespace tinyc {
namespace {

constexpr int64_t kBatch = 8;
constexpr size_t kBatchesPerThread = 4;

// The symbol of an open first dimension; empty when there is none.
std::string open_axis(const Graph& graph, ValueId id) {
  const Shape& shape = graph[id].type.shape;
  return shape.ranked() && shape.rank() > 0 && !shape[0].known() ? shape[0].symbol : std::string();
}

}  // namespace

int64_t batch_of(const Graph& graph, const Dataset& data) {
  if (graph.inputs.empty()) return 1;
  const std::string symbol = open_axis(graph, graph.inputs.front());
  const auto has_it = [&](ValueId id) { return open_axis(graph, id) == symbol; };
  const bool batched = !symbol.empty() && std::all_of(graph.inputs.begin(), graph.inputs.end(), has_it) &&
                       std::all_of(graph.outputs.begin(), graph.outputs.end(), has_it);
  return batched ? std::min(kBatch, data.max_batch()) : 1;
}

Tensor share_of(const Tensor& tensor, int64_t idx, int64_t count) {
  if (count == 1) return tensor;
  Dims dims = tensor.dims();
  TINYC_CHECK(!dims.empty() && dims[0] % count == 0);
  dims[0] /= count;
  const size_t bytes = tensor.byte_size() / static_cast<size_t>(count);
  const std::shared_ptr<const std::byte> start(tensor.buffer(), tensor.bytes() + static_cast<size_t>(idx) * bytes);
  return {tensor.dtype(), std::move(dims), start, bytes};
}

LabeledSample sample_of(const Batch& batch, int64_t idx) {
  LabeledSample sample{share_of(batch.inputs.front(), idx, batch.size), {}};
  if (batch.labels.defined()) sample.label = share_of(batch.labels, idx, batch.size);
  return sample;
}

int64_t for_each_round(Dataset& data, int64_t batch, int threads,
                       const std::function<void(std::span<const Batch>)>& body) {
  const auto batches = kBatchesPerThread * static_cast<size_t>(resolve_threads(threads));
  data.rewind();
  int64_t count = 0;
  for (std::vector<Batch> round;; round.clear()) {
    while (round.size() < batches) {
      Batch next = data.next(batch);
      if (next.size == 0) break;
      count += next.size;
      round.push_back(std::move(next));
    }
    if (round.empty()) return count;
    body(round);
  }
}

int resolve_threads(int threads) {
  return threads > 0 ? threads : hardware_threads();
}

}  // namespace tinyc
