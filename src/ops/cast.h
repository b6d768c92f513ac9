// Converting tensors between element types.
#pragma once

#include "ir/convert.h"
#include "tinyc/ir/tensor.h"

namespace tinyc {

// The tensor with elements of type `to`; shares the buffer when that is its type already. `saturate` is about float8:
// what is too large becomes its largest number. Throws Error(kModel) for types that hold no numbers, such as strings.
Tensor cast(const Tensor& tensor, DataType to, bool saturate = true);

}  // namespace tinyc
