// What ops that fill places without a source have in common.
#pragma once

#include "tinyc/ops/code.h"

namespace tinyc {

// The constant operand that holds the real number to fill in, on the result's grid; 0.0 when idx is 0 or left out.
int64_t fill_value(const CodeContext& context, int idx, int result);

}  // namespace tinyc
