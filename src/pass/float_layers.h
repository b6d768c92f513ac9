// The linear layers of a float model with their data, one after the other, and what their moments say of them: for
// plans that are made before any weight changes.
#pragma once

#include <functional>
#include <vector>

#include "tinyc/pass/context.h"
#include "tinyc/pass/linear_layer.h"
#include "tinyc/quant/second_order.h"

namespace tinyc {

// In execution order, on the calibration samples; a node with several weights is several layers.
void visit_layers(const Graph& graph, const PassContext& context, const std::function<void(LinearLayer)>& visit);

struct LayerMoments {
  std::vector<MomentSums> sums;     // [group]
  std::vector<Moments> moments;     // [group]
  std::vector<OutputError> errors;  // [group]: around the weights
  double power = 0;                 // of the output
};

// Reads a part of the positions where all would cost too much.
LayerMoments measure_moments(const Graph& graph, const LinearLayer& layer, int threads);

}  // namespace tinyc
