// Quantizes a float graph on the side and measures what that costs, for rewrites that pay off only on the grids.
//
// Problem: a rewrite that keeps the float model may make its integer form better or worse, and what it does to the
// weights alone does not tell. Method: the held samples are dealt into two halves; ranges come from the first, errors
// are measured on the second, which the ranges have not seen. The error is that of the outputs - of their scores, where
// an output is a function of fixed range such as Softmax, which hides most of the error of most samples - without the
// mean of each element, which bias correction takes away later. Cost: one run of the float and one of the simulated
// model over the samples for each trial, bounded by a number of multiply-accumulates, not by time.
#pragma once

#include <functional>
#include <vector>

#include "tinyc/pass/context.h"

namespace tinyc {

class QuantizationTrial {
 public:
  // `graph` must be able to run; context.samples hold at least two samples. Both must outlive the trial.
  QuantizationTrial(const Graph& graph, const PassContext& context);

  // Of a graph that computes what the first one does, with the same names: the sum over outputs of
  // log(noise / signal). Smaller is better; a difference of 0.23 is 1 dB.
  double error(const Graph& graph) const;

  // Trials that a search may make.
  int64_t budget() const { return budget_; }

 private:
  std::vector<std::vector<Tensor>> scores(const Graph& graph, Engine engine) const;  // [sample][value]

  const PassContext& context_;
  std::vector<Sample> seen_, unseen_;
  std::vector<std::string> names_;          // of the values that are measured
  std::vector<std::vector<Tensor>> exact_;  // [sample][value]
  int64_t budget_ = 0;
};

// Tries changes one by one and all together: `build(chosen)` makes the graph with those changes of `count`. All at once
// first; where that does not make the error fall, each half on its own, down to single changes. Returns which are kept.
std::vector<bool> choose_changes(const QuantizationTrial& trial, size_t count,
                                 const std::function<Graph(const std::vector<bool>& chosen)>& build);

}  // namespace tinyc
