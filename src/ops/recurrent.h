// What RNN, GRU and LSTM have in common: operands, inference, cost, and the walk over directions, samples and steps.
// The cell itself is a function that takes one sample one step further.
//
// Operands: X [steps, batch, inputs], W [directions, gates * hidden, inputs], R [directions, gates * hidden, hidden],
// B [directions, 2 * gates * hidden], sequence_lens [batch], initial_h and initial_c [directions, batch, hidden].
// Outputs: Y [steps, directions, batch, hidden], Y_h and Y_c [directions, batch, hidden]. With layout = 1 the batch
// comes first in each of X, Y, initial_h, initial_c, Y_h and Y_c.
//
// Numbers: each sample is computed on its own and each sum runs in the order of the operand's elements, so that a
// sample's bits do not depend on its batch. Cost per step and direction: gates * hidden * (inputs + hidden) products.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "tinyc/ops/op.h"

namespace tinyc {

// Attributes that all three have.
inline constexpr AttributeDef kActivationAlpha{"activation_alpha", AttributeType::kFloats};
inline constexpr AttributeDef kActivationBeta{"activation_beta", AttributeType::kFloats};
inline constexpr AttributeDef kActivations{"activations", AttributeType::kStrings};
inline constexpr AttributeDef kClip{"clip", AttributeType::kFloat};
inline constexpr AttributeDef kDirection{"direction", "forward"};
inline constexpr AttributeDef kHiddenSize{"hidden_size", AttributeType::kInt};
inline constexpr AttributeDef kLayout{"layout", 0};

void infer_recurrent(InferContext& c, int gates);
int64_t recurrent_macs(const Node& node, std::span<const TensorType> inputs, std::span<const TensorType> outputs);
inline constexpr QuantTraits recurrent_quant() {
  return {
      .kind = QuantKind::kWeightsOnly, .data_inputs = 0, .weights = {1, 2}, .channel_axis = [](const Node&, int, int) {
        return 1;
      }};
}

// 1 or 2. Throws Error(kModel) for a direction that is not known.
int64_t direction_count(const Node& node);

// Clips to [-limit, limit] where the node has the attribute.
void clip_values(const Node& node, std::span<float> values);

// The weights of one direction, laid out so that the inner loop of a product runs over outputs.
struct RecurrentWeights {
  int64_t inputs = 0;
  int64_t hidden = 0;
  int64_t columns = 0;                // gates * hidden
  std::vector<float> input;           // [inputs, columns]
  std::vector<float> recurrent;       // [hidden, columns]
  std::vector<float> input_bias;      // [columns]
  std::vector<float> recurrent_bias;  // [columns]

  // out = bias + h * R for the columns that start at first_column.
  void recurrent_product(std::span<const float> h, int64_t first_column, std::span<float> out) const;
};
// By direction; `bias` may be undefined.
std::vector<RecurrentWeights> pack_recurrent(const Tensor& w, const Tensor& r, const Tensor& bias);

// One step of one sample. `gates` is X * W + bias on entry and may be written over; `h` is the hidden state, `c` the
// cell state (empty for cells that have none); both are replaced by the next ones.
struct CellStep {
  const RecurrentWeights& weights;
  std::span<float> gates;
  std::span<float> h;
  std::span<float> c;
  std::span<float> scratch;  // two rows of columns
};
using Cell = std::function<void(int64_t direction, const CellStep& step)>;

void run_recurrent(EvalContext& context, std::span<const RecurrentWeights> weights, const Cell& cell, bool has_c);

// How an op makes its cell for a node, from operands beyond the common ones (peepholes).
using MakeCell = Cell (*)(const Node& node, const Tensor& extra);
// A kernel with the weights packed once when they are constants; otherwise one that packs them in each run.
Kernel recurrent_kernel(const PrepareContext& context, MakeCell make_cell, bool has_c);
void eval_recurrent(EvalContext& context, MakeCell make_cell, bool has_c);

}  // namespace tinyc
