// Det: the determinant of each square matrix, by an LU decomposition with partial pivoting in double.
#include <Eigen/LU>

#include "ops/elementwise.h"

namespace tinyc {
namespace {

void infer(InferContext& context) {
  const Shape& shape = context.shape(0);
  if (!shape.ranked()) return context.set_output(0, context.dtype(0), Shape::unranked());
  if (shape.rank() < 2) context.fail_input(0, "has rank " + std::to_string(shape.rank()) + ", expected 2 or more");
  const Dim& rows = shape[shape.rank() - 2];
  const Dim& columns = shape[shape.rank() - 1];
  if (rows.known() && columns.known() && rows.value != columns.value) {
    context.fail_input(0, to_string(shape) + " does not hold square matrices");
  }
  Shape leading;
  for (int i = 0; i + 2 < shape.rank(); ++i) leading.push_back(shape[i]);
  context.set_output(0, context.dtype(0), std::move(leading));
}

void eval(EvalContext& context) {
  if (eval_in_float(context, eval)) return;
  const int64_t n = context.input(0).dims().back();
  visit_type(FloatTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const T* x = context.in<T>(0).data();
    for (T& y : context.out<T>(0)) {
      const Eigen::MatrixXd matrix = Eigen::Map<const Matrix>(x, n, n).template cast<double>();
      y = n == 0 ? T{1} : static_cast<T>(matrix.partialPivLu().determinant());
      x += n * n;
    }
  });
}

}  // namespace

extern const OpDef k_det{
    .name = "Det",
    .infer = infer,
    .eval = eval,
    .quant = {.kind = QuantKind::kFloat, .why_float = "a determinant spans more decades than integers of 8 bits"},
};

}  // namespace tinyc
