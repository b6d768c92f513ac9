// What the layers with constant weights have in common on a device: weights by rows, zero points folded into biases,
// multipliers, and the proof that 32 bits hold every sum.
#pragma once

#include <functional>

#include "ops/code/geometry.h"
#include "tinyc/ops/code.h"

namespace tinyc {

// The weights of a node as a matrix: element(output channel, input) is the index in the stored tensor.
struct WeightMatrix {
  int operand = 1;
  int64_t outputs = 0;
  int64_t inputs = 0;                                // products per output
  std::function<int64_t(int64_t, int64_t)> element;  // -1: a weight of zero
  int64_t scale_period = 0;  // weight scales are repeated after so many outputs; 0: there is one for each
};

// The constant arguments of a product kernel.
struct ProductCode {
  CallArg weights;   // int8 [outputs][inputs, padded to 4]
  CallArg channels;  // int32 [outputs]{bias, multiplier}
  CallArg rounding, shift, low, high;
  int64_t left = 0;  // not 0: for call_left only
};

// Operand 0 is the data, `bias` the operand of the bias. Refuses what 8-bit products cannot do, naming the reason.
ProductCode make_product(CodeContext& context, const WeightMatrix& matrix, int bias);

// Rows of `inputs` numbers times the matrix: the kernel for one row or for many.
void call_rows(CodeContext& context, const ProductCode& product, const CallArg& in, const CallArg& out, int64_t rows,
               int64_t inputs, int64_t outputs);

// Any product whose sums are shifted left before they are multiplied.
void call_left(CodeContext& context, const WindowGeometry& g, const ProductCode& product, const CallArg& in,
               const CallArg& out);

}  // namespace tinyc
