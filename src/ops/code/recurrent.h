// LSTM and GRU on a device: what their float and their integer form have in common.
#pragma once

#include "tinyc/ops/code.h"

namespace tinyc {

struct RecurrentLayer {
  int64_t directions, steps, inputs, hidden, gates;
  int64_t rows() const { return gates * hidden; }
};

// One direction's part of a weight operand: int8 rows with a scale each, or floats.
struct RecurrentRows {
  Tensor data;                // [rows * inputs]
  std::vector<float> scales;  // empty: floats
};
RecurrentRows recurrent_rows(CodeContext& context, int operand, int64_t direction);

// [2][rows] of one direction: that of W, then that of R.
std::vector<float> recurrent_bias(const CodeContext& context, const RecurrentLayer& layer, int64_t direction);

bool is_reverse(const Node& node, int64_t direction);
bool has_output(const CodeContext& context, size_t idx);

// recurrent_s16.cpp: the calls of the integer kernels. False, and nothing is written, where x or Y is on no grid,
// weights are floats, or 32 bits do not hold every sum.
bool code_recurrent_s16(CodeContext& context, const RecurrentLayer& layer);

}  // namespace tinyc
