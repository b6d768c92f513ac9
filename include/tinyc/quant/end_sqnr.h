// How near the end of a quantized model comes to that of the float model, as passes judge it that change something on
// the way there.
//
// The measure is the mean, in dB, of the SQNR of the model's outputs and of the last values before them: the output of
// a classifier is decided by the few samples that are near a boundary, so alone it is a noisy judge; the values before
// it are full of numbers and nearly as close to what matters. Values far from the output are not asked: they mind
// errors that later layers do not.
#pragma once

#include <span>
#include <vector>

#include "tinyc/eval/layerwise.h"
#include "tinyc/quant/storage_plan.h"

namespace tinyc {

inline constexpr size_t kEndValues = 4;  // the model's outputs and the last values before them

// Mean over values of their SQNR in dB over the samples: [sample][value], floats.
double mean_sqnr_db(std::span<const std::vector<Tensor>> expected, std::span<const std::vector<Tensor>> actual);

class EndSqnr {
 public:
  // At least one sample. `reference` is the float graph of the model; the samples must outlive this.
  EndSqnr(const Graph& reference, const StoragePlan& plan, std::span<const Sample> samples, int threads);

  // Of a quantized graph with the nodes and values of `reference`, in dB.
  double of(const Graph& graph) const;

 private:
  std::span<const Sample> samples_;
  int threads_;
  std::vector<ValueId> values_;
  std::vector<std::vector<Tensor>> expected_;  // [sample][value]
};

}  // namespace tinyc
