// Choosing the bits of each layer's weights, or the noise that coding may add to all, to meet a goal at the least
// error.
//
// Problem: 8 bits everywhere may be too large, 4 bits everywhere too far off; layers differ in what they lose and in
// what they take. Method for bits: the model is quantized as a whole in each form, repair included; then each layer
// alone is exchanged for itself in another form, and what that adds to the noise of the outputs is measured on held
// samples (quant/variants.h). Dynamic programming over these noises and the bytes that are really stored gives the best
// model for every size (quant/allocation.h). The choice is then quantized as a whole and measured: bytes that came out
// more than predicted tighten the limit, and a goal on accuracy is met by bisection over the sizes. Method for noise
// (weight_noise): it has one price for all layers already, so one number is looked for, by bisection of its logarithm,
// with which bytes fall and errors grow. Cost: a quantization per form, one per trial, and half a run of the samples
// per layer and form.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tinyc/eval/layerwise.h"
#include "tinyc/ir/graph.h"
#include "tinyc/quant/settings.h"

namespace tinyc {

struct FitGoal {
  std::optional<int64_t> bytes = {};  // of the written file; of emitted C its constants
  std::optional<int64_t> ram = {};    // of the arena of emitted C
  std::optional<double> drop = {};    // points of top-1 (percent) below float
  std::string prune = {};             // the pass of stage prune whose share is chosen; empty: none
  bool any() const { return bytes || ram || drop; }
};

struct Size {
  int64_t bytes = 0;
  int64_t ram = 0;
};

// What the search needs of the run that it is part of.
struct FitSteps {
  std::function<Graph(const QuantizationSettings&)> quantize;  // the float graph after annotate and repair
  std::function<Graph(const Graph&)> pack;                     // after stage pack
  std::function<Size(const Graph& packed)> size;               // of what would be written
  std::function<std::map<std::string, int64_t>(const Graph& packed)> layer_bytes;  // of weights as stored, by node
  std::function<double(const Graph& packed)> drop;  // points of top-1 lost; throws without labels
};

struct Prediction {
  int64_t bytes = 0;
  double sqnr_db = 0;  // of the outputs together, on the held samples
};

struct FitResult {
  QuantizationSettings settings;     // as given, with layer_bits of every layer that was chosen for, or weight_noise
  std::optional<double> share = {};  // that is pruned, where it was chosen
  std::optional<Prediction> predicted = {};  // of bits, before they were tried
  int64_t bytes = 0;                         // of what came out
  int trials = 0;                            // whole models that were quantized and measured
};

// Both throw Error(kGate) when the goal is out of reach, with the nearest that is not.

// `reference`: the float graph. Throws Error(kUsage) when there is nothing to choose from.
FitResult fit_bits(const Graph& reference, const QuantizationSettings& settings, const FitGoal& goal,
                   std::span<const Sample> samples, int threads, const FitSteps& steps);

// A number on which a model depends: bytes fall and errors grow with it.
struct Knob {
  double gentlest = 0, strongest = 1;
  bool logarithmic = false;           // bytes fall evenly with its logarithm
  std::function<Graph(double)> make;  // the packed model
};
struct KnobSetting {
  double value = 0;
  int64_t bytes = 0;  // of what came out
  int trials = 0;
};
// Of the steps uses size and drop.
KnobSetting fit_knob(const Knob& knob, const FitGoal& goal, const FitSteps& steps);

FitResult fit_noise(const QuantizationSettings& settings, const FitGoal& goal, const FitSteps& steps);

}  // namespace tinyc
