// Fits the weights of a model to data, layer by layer: what rounding, pruning and coding of weights have in common.
//
// Problem: replace each layer's weights by others of some form (on a grid, with zeros) so that the layer's output comes
// nearest to that of the float model. Method: in execution order, with all earlier layers already changed. From the
// layer's inputs in the simulated and in the float model come the moments H and A (quant/moments.h); from these the
// target, which also makes up for what earlier layers lost (quant/second_order.h); the weights that a method finds near
// the target, as the output sees it; and the bias that goes with them. How far the target may move away from the float
// weights, and how much of what the data show is believed, is chosen by what it gains on samples kept out of the
// moments. Every candidate is measured on the samples
// kept out, behind the clamp that reads the output where there is one, for errors of what is cut off cost nothing. The
// one that stays is then fitted once more to all samples. Cost: positions times columns squared for
// the moments, of which at most a budget is spent a layer by reading a part of the positions; and the method's.
// Sources: see the headers named above.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tinyc/ops/clamp.h"
#include "tinyc/pass/context.h"
#include "tinyc/pass/linear_layer.h"
#include "tinyc/quant/second_order.h"

namespace tinyc {

// A layer's data, and what its output should be on them.
struct LayerData {
  std::vector<const LinearForm*> samples;  // in the model as it is
  std::vector<Matrix> targets;             // [group]: weights whose sums on these data are wanted, with their bias
  RowNumbers target_bias;
  RowNumbers bias;     // that goes with today's weights
  bool free_bias;      // whether it may change
  ClampLimits limits;  // of the clamp that reads the layer's sums
};

// How weights are chosen.
class LayerMethod {
 public:
  virtual ~LayerMethod() = default;

  // Whether operand `weight` of the node is the method's business.
  virtual bool treats(const Graph& graph, const Node& node, int weight) const = 0;
  // Why the layer cannot be treated all the same; empty where it can.
  virtual std::string obstacle(const Graph& graph, const LinearLayer& layer) const = 0;
  // Replaces the layer's weights in the graph by some near the targets, by group.
  virtual void choose(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) = 0;
  // Whether the method can also search more thoroughly, which fits noise of the data as well where these are few.
  virtual bool is_thorough() const { return false; }
  virtual void choose_thoroughly(Graph& graph, const LinearLayer& layer, std::vector<OutputError> errors) {
    choose(graph, layer, std::move(errors));
  }
  // Whether the method can refine what it chose.
  virtual bool refines() const { return false; }
  // Replaces the weights that choose() left by others that the data show to be better; returns the bias that goes with
  // them. The layer keeps which of the two is better on the samples kept out.
  virtual RowNumbers refine(Graph& /*graph*/, const LinearLayer& /*layer*/, const LayerData& data) { return data.bias; }
  // Whether the layer must change even where its output is the worse for it.
  virtual bool must_change(const Graph& /*graph*/, const LinearLayer& /*layer*/) const { return false; }
};

// Layers with longer rows are left as they are.
inline constexpr int64_t kMostFittedColumns = 2048;

// Throws Error(kUsage) where there are no samples; `needs` is the complaint's beginning: "pruning needs".
void require_samples(const PassContext& context, const std::string& needs);

// Treats every layer of the graph, which lies on its grids where it is quantized; context.reference is the float graph.
// Notes what was done to each layer and counts "layers", "refined" of them, "bias_only" and "left". Returns whether
// anything changed. Without samples nothing changes, which is noted.
bool fit_layers(Graph& graph, PassContext& context, LayerMethod& method);

}  // namespace tinyc
