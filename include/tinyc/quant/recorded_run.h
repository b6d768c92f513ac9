// Activations of the moments that BatchNormalization recorded, on inputs that are not data.
#pragma once

#include <span>

#include "tinyc/eval/layerwise.h"
#include "tinyc/quant/recorded_moments.h"
#include "tinyc/quant/statistics.h"

namespace tinyc {

// A float run, node by node, in which each value that the table knows is brought to its moments: see recorded_run.cpp.
class RecordedRun {
 public:
  // At least one sample; every op must be known. Graph and table must stay as they are.
  RecordedRun(const Graph& graph, const MomentTable& table, std::span<const Sample> samples, int threads)
      : graph_(graph), table_(table), run_(graph, Engine::kFloat, samples, threads) {}

  size_t sample_count() const { return run_.sample_count(); }
  const Tensor& value(size_t sample, ValueId id) const { return run_.value(sample, id); }
  void step(NodeId id);

 private:
  const Graph& graph_;
  const MomentTable& table_;
  LayerwiseRun run_;
};

// Statistics of `observed` over such a run, as calibrate() leaves them.
Statistics observe_recorded(const Graph& graph, const MomentTable& table, std::span<const Sample> samples,
                            std::span<const ValueId> observed, int threads);

}  // namespace tinyc
