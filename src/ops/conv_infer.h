// Shape inference of the convolutions: Conv, ConvInteger, QLinearConv.
#pragma once

#include "tinyc/ops/op.h"

namespace tinyc {

struct ConvOperands {
  int x;     // [N, C, one to three spatial axes]
  int w;     // [M, C / group, as many kernel axes]
  int bias;  // [M]; -1 when the op has none
};

// Output 0 is `dtype` with the dims that the operands and the node's attributes give. Throws Error(kModel) where they
// do not fit each other.
void infer_convolution(InferContext& context, const ConvOperands& operands, DataType dtype);

}  // namespace tinyc
