#include "ops/common_infer.h"

namespace tinyc {

void infer_same(InferContext& context) {
  context.set_output(0, context.dtype(0), context.shape(0));
}

void infer_broadcast(InferContext& context) {
  if (context.dtype(0) != DataType::kUndefined && context.dtype(1) != DataType::kUndefined &&
      context.dtype(0) != context.dtype(1)) {
    context.fail_input(1, "is " + std::string(name_of(context.dtype(1))) + ", expected " +
                              std::string(name_of(context.dtype(0))) + " as operand 0");
  }
  context.set_output(0, context.dtype(0), broadcast(context.shape(0), context.shape(1)));
}

}  // namespace tinyc
