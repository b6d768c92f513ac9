// Layers of a float model, known by the moments of their data: what choices of structures are tried out with.
//
// Problem: losses of layers can be compared only by what they do to the model's outputs, and what a choice does to them
// together is known only when it is tried; fitting all layers in turn takes seconds. Method: each layer's best weights
// under given masks follow from its moments in the float model, in closed form; with these the model runs on the
// samples, and the error at its end is measured. Cost: a factorization a layer and a run of the samples for each trial.
#pragma once

#include <span>
#include <vector>

#include "tinyc/pass/context.h"
#include "tinyc/pass/linear_layer.h"
#include "tinyc/quant/channel_harm.h"

namespace tinyc {

struct MeasuredLayer {
  LinearLayer layer;             // its forms have no data
  std::vector<Moments> moments;  // [group]
  HarmedLayer harm;              // its rows and columns are in no part yet
};

// Those with rows that can be fitted, on the calibration samples.
std::vector<MeasuredLayer> measure_layers(const Graph& graph, const PassContext& context);

// The graph with the best weights and biases of all layers that masks hold something of.
Graph refitted(const Graph& graph, std::span<const MeasuredLayer> layers, const WeightMasks& masks, int threads);

// The end of a float model on the calibration samples: its output, and what its last layer made before it was squashed.
class EndJudge {
 public:
  EndJudge(const Graph& graph, const PassContext& context);

  // Of a graph with the same values.
  double noise(Graph graph) const;

  // By layer: what the end loses by a unit of loss of its output, when the layer alone loses the parts that cost it
  // least until a little of its power is gone; 0 where it reads no part.
  std::vector<double> gains(std::span<const MeasuredLayer> layers) const;

 private:
  Graph base_;  // ends are its outputs
  const PassContext& context_;
  std::vector<std::vector<Tensor>> wanted_;
};

}  // namespace tinyc
