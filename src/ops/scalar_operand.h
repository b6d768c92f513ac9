// Operands that are one number: an axis, a count, a zero point.
#pragma once

#include "tinyc/ops/op.h"

namespace tinyc {

// The only element of operand idx as an integer. Throws Error(kModel) unless there is exactly one.
inline int64_t scalar_operand(const EvalContext& context, int idx) {
  const std::vector<int64_t> values = context.input(idx).to_int64();
  if (values.size() == 1) return values[0];
  throw Error(ErrorKind::kModel,
              "input " + std::to_string(idx) + " has " + std::to_string(values.size()) + " elements, expected one");
}

}  // namespace tinyc
