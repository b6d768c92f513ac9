#include "ops/matrix_product.h"

namespace tinyc {
namespace {

// All axes but the last two; none for ranks 1 and 2.
Shape leading(const Shape& shape) {
  Shape out;
  for (int i = 0; i + 2 < shape.rank(); ++i) out.push_back(shape[i]);
  return out;
}

}  // namespace

void infer_matrix_product(InferContext& context, int a_idx, int b_idx, DataType dtype) {
  const Shape& a = context.shape(a_idx);
  const Shape& b = context.shape(b_idx);
  if (!a.ranked() || !b.ranked()) return context.set_output(0, dtype, Shape::unranked());
  for (const int operand : {a_idx, b_idx}) {
    if (context.shape(operand).rank() == 0) context.fail_input(operand, "is a scalar");
  }
  const Dim& a_depth = a[a.rank() - 1];
  const Dim& b_depth = b[b.rank() == 1 ? 0 : b.rank() - 2];
  if (a_depth.known() && b_depth.known() && a_depth.value != b_depth.value) {
    context.fail_input(b_idx, "sums over " + std::to_string(b_depth.value) + " elements, but operand " +
                                  std::to_string(a_idx) + " over " + std::to_string(a_depth.value));
  }
  Shape y = broadcast(leading(a), leading(b));
  if (a.rank() > 1) y.push_back(a[a.rank() - 2]);
  if (b.rank() > 1) y.push_back(b[b.rank() - 1]);
  context.set_output(0, dtype, std::move(y));
}

MatrixProduct::MatrixProduct(std::span<const int64_t> a, std::span<const int64_t> b)
    : rows(a.size() > 1 ? a[a.size() - 2] : 1), columns(b.size() > 1 ? b.back() : 1), depth(a.back()) {
  if (a.size() > 2) a_batch.assign(a.begin(), a.end() - 2);
  if (b.size() > 2) b_batch.assign(b.begin(), b.end() - 2);
  y_batch = broadcast(a_batch, b_batch);
}

}  // namespace tinyc
