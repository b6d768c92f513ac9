// Gemm and MatMul as products: a position is a row of the data, its columns are the row's elements.
#include <algorithm>

#include "ops/linear/forms.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

// Data with element c of position p at p * position_stride + c * step; weight (r, c) at r * row_stride + c * offset.
struct Layout {
  int64_t rows, columns, positions;
  int64_t position_stride, step;
  int64_t row_stride, offset;
};

LinearForm form_of(const Layout& layout, const Tensor& data) {
  LinearForm form;
  form.rows = layout.rows;
  form.columns = layout.columns;
  form.row_stride = layout.row_stride;
  for (int64_t c = 0; c < layout.columns; ++c) form.column_offsets.push_back(c * layout.offset);
  form.positions = layout.positions;
  form.gather = [data, layout](int64_t /*group*/, int64_t first, int64_t count, float* out, int64_t stride) {
    for (int64_t i = 0; i < count; ++i) {
      const float* in = data.data<float>().data() + (first + i) * layout.position_stride;
      for (int64_t c = 0; c < layout.columns; ++c) out[i * stride + c] = in[c * layout.step];
    }
  };
  return form;
}

bool fits(const LinearOperands& operands) {
  const Tensor &x = operands.inputs[0], &w = operands.inputs[1];
  return operands.weight == 1 && x.dtype() == DataType::kFloat && x.rank() >= 1 && w.rank() == 2 && x.size() > 0 &&
         w.size() > 0;
}

}  // namespace

std::optional<LinearForm> linear_gemm(const LinearOperands& operands) {
  if (!fits(operands) || float_attr(operands.node, "alpha") != 1.0F) return std::nullopt;
  const Dims &x = operands.inputs[0].dims(), &w = operands.inputs[1].dims();
  const bool trans_a = int_attr(operands.node, "transA") != 0, trans_b = int_attr(operands.node, "transB") != 0;
  Layout layout{};
  layout.rows = w[trans_b ? 0 : 1];
  layout.columns = w[trans_b ? 1 : 0];
  layout.positions = x[trans_a ? 1 : 0];
  layout.position_stride = trans_a ? 1 : layout.columns;
  layout.step = trans_a ? layout.positions : 1;
  layout.row_stride = trans_b ? layout.columns : 1;
  layout.offset = trans_b ? 1 : layout.rows;
  LinearForm form = form_of(layout, operands.inputs[0]);
  form.bias = float_attr(operands.node, "beta") == 1.0F ? 2 : -1;
  form.bias_size = layout.rows;
  return form;
}

std::optional<LinearForm> linear_matmul(const LinearOperands& operands) {
  if (!fits(operands)) return std::nullopt;
  const Dims& w = operands.inputs[1].dims();
  return form_of({.rows = w[1],
                  .columns = w[0],
                  .positions = operands.inputs[0].size() / w[0],
                  .position_stride = w[0],
                  .step = 1,
                  .row_stride = 1,
                  .offset = w[1]},
                 operands.inputs[0]);
}

}  // namespace tinyc
