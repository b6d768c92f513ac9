// Gemm and MatMul with constant weights on a device.
#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/product.h"
#include "tinyc/ops/op.h"

namespace tinyc {

void code_gemm(CodeContext& context) {
  if (!all_integer(context, 1)) return code_gemm_f32(context);
  const Node& node = context.node();
  if (int_attr(node, "transA") != 0) context.refuse("its first operand is transposed");
  if (float_attr(node, "alpha") != 1.0F || float_attr(node, "beta") != 1.0F) context.refuse("it scales its product");
  const Dims b = context.dims(1);
  const bool rows_are_outputs = int_attr(node, "transB") != 0;
  const int64_t outputs = b[rows_are_outputs ? 0 : 1];
  const int64_t inputs = b[rows_are_outputs ? 1 : 0];
  const auto element = [=](int64_t o, int64_t k) { return rows_are_outputs ? o * inputs + k : k * outputs + o; };
  const WeightMatrix matrix{.operand = 1, .outputs = outputs, .inputs = inputs, .element = element};
  const ProductCode product = make_product(context, matrix, 2);
  const Order order = plain_order(2);
  const CallArg in = context.in(0, order);
  call_rows(context, product, in, context.out(order), context.dims(0)[0], inputs, outputs);
}

void code_matmul(CodeContext& context) {
  if (!all_integer(context, 1)) return code_matmul_f32(context);
  const Dims a = context.dims(0);
  const Dims b = context.dims(1);
  if (context.constant(1) == nullptr && context.is_integer(1)) return code_computed_matmul(context);
  if (b.size() != 2 || a.size() < 2) context.refuse("its weights are not a matrix");
  const int64_t inputs = b[0];
  const int64_t outputs = b[1];
  const auto element = [=](int64_t o, int64_t k) { return k * outputs + o; };
  const WeightMatrix matrix{.operand = 1, .outputs = outputs, .inputs = inputs, .element = element};
  const ProductCode product = make_product(context, matrix, 2);
  const CallArg in = context.in(0, plain_order(static_cast<int>(a.size())));
  const CallArg out = context.out(plain_order(static_cast<int>(context.result_dims().size())));
  call_rows(context, product, in, out, element_count(a) / inputs, inputs, outputs);
}

}  // namespace tinyc
