// The weights of a product as rows of integers, one row an output channel, and their packed form.
#pragma once

#include <functional>
#include <optional>

#include "tinyc/ops/code.h"

namespace tinyc {

// The weights of a node as a matrix: element(output channel, input) is the index in the stored tensor.
struct WeightMatrix {
  int operand = 1;
  int64_t outputs = 0;
  int64_t inputs = 0;                                // products per output
  std::function<int64_t(int64_t, int64_t)> element;  // -1: a weight of zero
  int64_t scale_period = 0;  // weight scales are repeated after so many outputs; 0: there is one for each
  int64_t taps = 1;          // of a window: inputs are [taps][channels]
};

// real weight = scales[output] * factor * code.
struct WeightRows {
  int64_t outputs = 0, inputs = 0, taps = 1;
  std::vector<int8_t> codes;     // [outputs][inputs]
  std::vector<int32_t> factors;  // as codes; empty: all 1. |factor * code| <= 127
  std::vector<double> scales;    // by output

  int64_t stride() const { return (inputs + 3) / 4 * 4; }  // of rows as kernels have them, in bytes
  int32_t value(int64_t output, int64_t input) const {
    const auto at = static_cast<size_t>(output * inputs + input);
    return codes[at] * (factors.empty() ? 1 : factors[at]);
  }
};

// Refuses weights that are no 8-bit integers, or whose scales do not follow the output channels.
WeightRows read_weight_rows(const CodeContext& context, const WeightMatrix& matrix);

// What tc_unpack_s8 (block 0) and tc_unpack_blocks_s8 read; see rt/unpack_s8.h.
struct PackedRows {
  int bits = 4;
  int64_t block = 0;
  std::vector<int32_t> words;
  std::vector<uint8_t> factors;  // one for each block
  int64_t unit_rows = 1;         // a multiple of so many rows begins where a unit does
};

// Bits that all values have room to be shifted left by within int8: for what pack_rows() packs as tc_unpack_s8 does it,
// 4 or 6; 0 with factors. A grid of few levels has a large step, which the shift makes small enough for kernels that
// divide.
int spare_bits(const WeightRows& rows);

// Nothing where the weights need more than 4 bits, where factors change inside of a block, or where there are so few
// weights that unpacking takes more code than it saves.
std::optional<PackedRows> pack_rows(const WeightRows& rows);

}  // namespace tinyc
