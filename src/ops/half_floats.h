// Kernels for float16 and bfloat16: computed in float32 and rounded once at the end.
#pragma once

#include "tinyc/ops/op.h"

namespace tinyc {

// If an operand is float16 or bfloat16: runs `eval` on float32 copies, rounds the float32 results to the types that the
// outputs must have, and returns true. Otherwise does nothing. For use as the first line of `eval` itself.
bool eval_in_float(EvalContext& context, void (*eval)(EvalContext&));

}  // namespace tinyc
