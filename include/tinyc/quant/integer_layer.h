// A layer as the integers that it stands for, and what its accumulators can hold.
//
//   acc[o] = bias[o] + sum over inputs i and taps t of weight[o][i][t] * x[i][t],    x and weight in steps from zero
//   real   = acc[o] * scale[o]
//
// A tap in the padding adds nothing. Which taps lie inside the input depends on the position; `windows` holds each set
// of taps that occurs at some position once, so that statements about all positions are exact.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tinyc/ir/graph.h"

namespace tinyc {

// Closed. For a value on a grid in steps from its zero point (q - zero_point), else in real numbers.
struct Range {
  double low = 0;
  double high = 0;
  bool is_point() const { return low == high; }
  friend bool operator==(const Range&, const Range&) = default;
};

struct IntegerLayer {
  bool depthwise = false;  // output o reads input o only: inputs is 1
  int64_t outputs = 0;
  int64_t inputs = 0;
  int64_t taps = 1;
  std::vector<int32_t> weight;             // [outputs][inputs][taps]
  std::vector<int64_t> bias;               // zeros when the layer has none
  std::vector<double> scale;               // of the accumulators, by output
  std::vector<std::vector<bool>> windows;  // by tap: whether it lies inside the input

  std::span<const int32_t> weight_of(int64_t output, int64_t input) const {
    return {weight.data() + (output * inputs + input) * taps, static_cast<size_t>(taps)};
  }
};

// Conv (plain or depthwise with as many outputs as inputs), Gemm and MatMul of a matrix, where data, weights and bias
// all have linear parameters and nothing else reads the weights and the bias; none for anything else.
std::optional<IntegerLayer> read_integer_layer(const Graph& graph, const Uses& uses, const Node& node);

// What output o can be in real numbers when input i is within inputs[i] (the layer's own input when it is depthwise),
// widened by what summation in float32 may lose. None where an int32 accumulator would not hold it.
std::optional<Range> reachable_output(const IntegerLayer& layer, int64_t output, std::span<const Range> inputs);

// What input i adds to the accumulator of output o when it is `steps` everywhere; none when that depends on the
// position.
std::optional<int64_t> constant_contribution(const IntegerLayer& layer, int64_t output, int64_t input, int64_t steps);

// Integers of a constant with linear parameters, whether they are packed yet or not.
std::vector<int64_t> stored_integers(const Value& constant);

}  // namespace tinyc
