// Shape inference that many ops share.
#pragma once

#include <initializer_list>

#include "tinyc/ops/op.h"

namespace tinyc {

// Output 0 has the type of operand 0.
void infer_same(InferContext& context);

// Throws unless operand idx has that element type, is left out, or has no known type.
void require_dtype(const InferContext& context, int idx, DataType dtype);
// The same for the type of operand `other`, as far as that is known.
void require_same_dtype(const InferContext& context, int idx, int other);

// Throws where one of these operands is left out: for ops with optional operands in front of required ones.
void require_operands(const InferContext& context, std::initializer_list<int> operands);

// Throws unless operand idx, where it is given, has the dtype of operand 0 or one of the two is unknown.
void require_same_dtype(const InferContext& context, int idx);

// Output 0 has the dtype of operand 0 and the dims of operands 0 and 1 broadcast together. The dtypes must agree.
void infer_broadcast(InferContext& context);

}  // namespace tinyc
