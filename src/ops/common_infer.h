// Shape inference that many ops share.
#pragma once

#include "tinyc/ops/op.h"

namespace tinyc {

// Output 0 has the type of operand 0.
void infer_same(InferContext& context);

// Output 0 has the dtype of operand 0 and the dims of operands 0 and 1 broadcast together. The dtypes must agree.
void infer_broadcast(InferContext& context);

}  // namespace tinyc
