// What can be done to one layer, with the moments of its data: a target, the weights that a method finds near it, and
// the bias that goes with them. Which of it is best is for pass/layer_fit.h to find out.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "tinyc/pass/layer_fit.h"

namespace tinyc {

// Whether one of so many samples is among those that are meant.
using SampleChoice = bool (*)(size_t sample, size_t samples);

inline constexpr double kErrorDamping = 1e-3;
inline constexpr double kNoTarget = HUGE_VAL;  // a damping that leaves the target at the float weights

// What is done to a layer.
enum class Change { kNone, kBias, kWeights };
struct FitPlan {
  Change change = Change::kNone;
  double damping = kErrorDamping;  // of the form that the method searches
  bool thorough = false;
  bool refined = false;  // afterwards
};

// What a layer is fitted to.
struct FitData {
  std::span<const MomentSums> sums;  // by group
  SampleChoice is_in;                // the same samples
  double damping;                    // of the target
};

class LayerFitter {
 public:
  // `graph` is changed; all must outlive the fitter.
  LayerFitter(Graph& graph, PassContext& context, LayerMethod& method)
      : graph_(graph), reference_(*context.reference), context_(context), method_(method), uses_(reference_) {}

  // Weights near the target, where the plan says so, and the bias that goes with those that there are.
  void apply(const LinearLayer& layer, const FitData& data, const FitPlan& plan);
  // Lets the method go on from there with the data themselves.
  void refine(const LinearLayer& layer, const FitData& data);

  // Of the clamp that reads a value of the reference.
  ClampLimits limits_of(ValueId value) const { return limits_behind(reference_, uses_, value); }

 private:
  std::vector<Moments> moments_of(const LinearLayer& layer, const FitData& data) const;
  Tensor weights_as_computed(const LinearLayer& layer) const;
  void choose_weights(const LinearLayer& layer, const FitData& data, const std::vector<Moments>& moments,
                      const FitPlan& plan);
  void set_bias(const LinearLayer& layer, const RowNumbers& shift);

  Graph& graph_;
  const Graph& reference_;
  PassContext& context_;
  LayerMethod& method_;
  const Uses uses_;
};

}  // namespace tinyc
