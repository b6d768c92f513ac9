#include "ops/common_infer.h"

namespace tinyc {

void infer_same(InferContext& context) {
  context.set_output(0, context.dtype(0), context.shape(0));
}

void require_dtype(const InferContext& context, int idx, DataType dtype) {
  const DataType given = context.dtype(idx);
  if (given == dtype || given == DataType::kUndefined) return;
  context.fail_input(idx, "is " + std::string(name_of(given)) + ", expected " + std::string(name_of(dtype)));
}

void require_same_dtype(const InferContext& context, int idx, int other) {
  const DataType given = context.dtype(idx), expected = context.dtype(other);
  if (given == expected || given == DataType::kUndefined || expected == DataType::kUndefined) return;
  context.fail_input(idx, "is " + std::string(name_of(given)) + ", expected " + std::string(name_of(expected)) +
                              " as operand " + std::to_string(other));
}

void require_operands(const InferContext& context, std::initializer_list<int> operands) {
  for (const int idx : operands) {
    if (!context.has_input(idx))
      throw Error(ErrorKind::kModel, "input " + std::to_string(idx) + " is left out but required");
  }
}

void require_same_dtype(const InferContext& context, int idx) {
  if (!context.has_input(idx) || context.dtype(0) == DataType::kUndefined ||
      context.dtype(idx) == DataType::kUndefined || context.dtype(idx) == context.dtype(0)) {
    return;
  }
  context.fail_input(idx, "is " + std::string(name_of(context.dtype(idx))) + ", expected " +
                              std::string(name_of(context.dtype(0))) + " as operand 0");
}

void infer_broadcast(InferContext& context) {
  require_same_dtype(context, 1);
  context.set_output(0, context.dtype(0), broadcast(context.shape(0), context.shape(1)));
}

}  // namespace tinyc
