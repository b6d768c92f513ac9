// A layer that a pass fits to data: reading and replacing the weights and the bias of what a node's op shows as
// products with a constant matrix (ops/linear.h), whatever the op.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "tinyc/eval/layerwise.h"
#include "tinyc/ops/linear.h"
#include "tinyc/quant/moments.h"

namespace tinyc {

using RowNumbers = std::vector<std::vector<double>>;    // [group][row]
using LayerResults = std::vector<std::vector<Tensor>>;  // [sample][output], as LayerwiseRun::compute returns them

// The products of one weight operand of a node.
struct LinearLayer {
  NodeId id;
  int weight;                      // operand
  std::vector<LinearForm> now;     // by sample, on the data of the model as it is
  std::vector<LinearForm> wanted;  // by sample, on the data of the float model
  std::vector<Matrix> weights;     // [group]: those of the float model, [rows, columns]

  const LinearForm& form() const { return now.front(); }
};

// A model as it runs layer by layer, standing before a node whose results are known.
struct LayerState {
  const Graph& graph;
  const LayerwiseRun& run;
  const LayerResults& results;
};

// None where the node does not multiply its data with that operand, or the operand is no constant of floats.
std::optional<LinearLayer> find_linear_layer(const LayerState& now, const LayerState& wanted, NodeId id, int weight);

// The constant that holds the layer's weights.
inline ValueId weight_id(const Graph& graph, const LinearLayer& layer) {
  return graph[layer.id].inputs[static_cast<size_t>(layer.weight)];
}

// The weights of a form in a tensor, by group.
std::vector<Matrix> read_weights(const LinearForm& form, const Tensor& tensor);
// The tensor with the weights of the form replaced.
Tensor replaced_weights(const LinearForm& form, const Tensor& tensor, std::span<const Matrix> weights);

// Whether the layer adds a bias that may be changed: a constant of its own with one element a row, or none yet where
// the op takes one and can store it.
bool has_free_bias(const Graph& graph, const LinearLayer& layer);
// What the layer adds to each row; zeros where it adds nothing, nothing where that is computed.
std::optional<RowNumbers> read_bias(const Graph& graph, const LinearLayer& layer);
// Sets the bias of the layer's rows to that of the float model plus a shift, [group][row]. An int32 bias is given its
// scales anew, from those of the weights; these must leave it room.
void shift_bias(Graph& graph, const Graph& reference, const LinearLayer& layer, const RowNumbers& shift);
// The smallest scales of the weights, one or `count` of them by row, at which an int32 bias of about today's size has
// room; zeros where none is stored so.
std::vector<double> smallest_scales_for_bias(const Graph& graph, const LinearLayer& layer, size_t count);

}  // namespace tinyc
