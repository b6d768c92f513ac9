// Runs a graph one node at a time over a set of samples that it holds: what passes need that look at a layer's inputs,
// change the layer, and go on with the result of the changed layer (bias correction, rounding).
//
// Memory: of each sample the values that a later node still reads, and the outputs. The caller chooses how many samples
// that allows.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "tinyc/eval/program.h"

namespace tinyc {

using Sample = std::vector<Tensor>;  // one tensor per graph input

class LayerwiseRun {
 public:
  // The graph's nodes, their order and operands must stay as they are during the run; constants and annotations of
  // nodes not yet stored may change. threads 0: all processors.
  LayerwiseRun(const Graph& graph, Engine engine, std::span<const Sample> samples, int threads);

  size_t sample_count() const { return values_.size(); }
  // A value that is computed and still needed.
  const Tensor& value(size_t sample, ValueId id) const { return values_[sample][index_of(id)]; }

  // The node's results for every sample, as `graph` has it now, before they are rounded to the grids of its outputs:
  // [sample][output].
  std::vector<std::vector<Tensor>> compute(const Graph& graph, NodeId id) const;
  // Takes results over (rounded to their grids in the simulated engine) and drops what no later node reads.
  void store(const Graph& graph, NodeId id, std::vector<std::vector<Tensor>> results);
  void step(const Graph& graph, NodeId id) { store(graph, id, compute(graph, id)); }

 private:
  void keep(const Graph& graph, size_t sample, ValueId id, Tensor tensor);

  Engine engine_;
  int threads_;
  std::vector<std::vector<Tensor>> values_;       // [sample][value]
  std::vector<std::vector<ValueId>> last_reads_;  // by node: values that no later node reads
};

}  // namespace tinyc
