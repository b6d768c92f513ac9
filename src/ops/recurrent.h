// What RNN, GRU and LSTM have in common: operands, inference, cost, and the walk over directions, samples and steps.
// The cell itself is a function that takes one sample one step further.
//
// Operands: X [steps, batch, inputs], W [directions, gates * hidden, inputs], R [directions, gates * hidden, hidden],
// B [directions, 2 * gates * hidden], sequence_lens [batch], initial_h and initial_c [directions, batch, hidden].
// Outputs: Y [steps, directions, batch, hidden], Y_h and Y_c [directions, batch, hidden]. With layout = 1 the batch
// comes first in each of X, Y, initial_h, initial_c, Y_h and Y_c.
//
// Numbers: each element of a product is one chain in the order of the operand's elements (kernels/product.h), so a
// sample's bits do not depend on its batch. Samples go in step; those whose sequence has ended keep their state. The
// products with W do not wait for the state and are done for many steps at once. Cost per step, sample and direction:
// gates * hidden * (inputs + hidden) multiply-adds.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "ops/kernels/dense.h"
#include "tinyc/ops/op.h"

namespace tinyc {

namespace recurrent_operands {
inline constexpr int kX = 0, kW = 1, kR = 2, kB = 3, kLengths = 4, kInitialH = 5, kInitialC = 6, kPeepholes = 7;
}  // namespace recurrent_operands

// Attributes that all three have.
inline constexpr AttributeDef kActivationAlpha{"activation_alpha", AttributeType::kFloats};
inline constexpr AttributeDef kActivationBeta{"activation_beta", AttributeType::kFloats};
inline constexpr AttributeDef kActivations{"activations", AttributeType::kStrings};
inline constexpr AttributeDef kClip{"clip", AttributeType::kFloat};
inline constexpr AttributeDef kDirection{"direction", "forward"};
inline constexpr AttributeDef kHiddenSize{"hidden_size", AttributeType::kInt};
inline constexpr AttributeDef kLayout{"layout", 0};

int64_t recurrent_macs(const Node& node, std::span<const TensorType> inputs, std::span<const TensorType> outputs);
// X, Y and Y_h lie on grids, or nothing but the weights does; the cell state never does.
inline constexpr QuantTraits recurrent_quant(QuantKind kind) {
  constexpr uint32_t kCellState = 1U << 2;
  return {.kind = kind,
          .data_inputs = kind == QuantKind::kCompute ? 1U : 0U,
          .weights = {1, 2},
          .float_outputs = kCellState,
          .channel_axis = [](const Node&, int, int) { return 1; }};
}

bool is_batch_first(const Node& node);  // attribute layout

// 1 or 2. Throws Error(kModel) for a direction that is not known.
int64_t direction_count(const Node& node);

// Clips to [-limit, limit] where the node has the attribute.
void clip_values(const Node& node, std::span<float> values);

// Columns [first, first + count) of a weight matrix, packed for products.
struct RecurrentBlock {
  RecurrentBlock(std::span<const float> weights, std::span<const float> start, int64_t first, int64_t count,
                 int64_t depth);
  // out [rows, count] = start + a [rows, depth] * B.
  void run(int64_t rows, const float* a, float* out) const;

  kernels::Dense dense;
  std::vector<float> packed;
  std::vector<float> start;  // the bias
};

// The weights of one direction. The recurrent ones are in two blocks where a cell needs its last gate apart from the
// others.
struct RecurrentWeights {
  RecurrentBlock input;
  std::vector<RecurrentBlock> recurrent;
};

// One step of all samples. `gates` [samples, columns] is X * W + bias on entry and may be written over; `h` [samples,
// hidden] is the hidden state, `c` the cell state (empty for cells that have none); both become the next ones.
struct CellStep {
  const RecurrentWeights& weights;
  size_t samples;
  size_t hidden;
  std::span<float> gates;
  std::span<float> h;
  std::span<float> c;
  std::span<float> scratch;  // as many as gates
};
using Cell = std::function<void(int64_t direction, const CellStep& step)>;

// What a kind of cell is made of.
struct CellKind {
  int gates;
  bool has_c;
  bool last_gate_apart;  // of the recurrent weights
  // From the attributes, and from the operand that only LSTM has (peepholes; undefined when absent).
  Cell (*make)(const Node& node, const Tensor& peepholes);
};
void infer_recurrent(InferContext& c, const CellKind& kind);
void eval_recurrent(EvalContext& context, const CellKind& kind);
// A kernel with the weights packed once, when they are constants.
Kernel recurrent_kernel(const PrepareContext& context, const CellKind& kind);

}  // namespace tinyc
