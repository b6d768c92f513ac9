// Matrix products of integers: MatMulInteger (int32 out), QLinearMatMul and com.microsoft QGemm (integers out, see
// affine.h; QGemm gives floats when it has no output scale).
#include "ops/affine.h"
#include "ops/common_infer.h"
#include "ops/matrix_product.h"

namespace tinyc {
namespace {

// y = a * b for matrices in C order, modulo 2^32.
void multiply(int64_t rows, int64_t columns, int64_t depth, const int32_t* a, const int32_t* b, int32_t* y) {
  std::fill(y, y + rows * columns, 0);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t k = 0; k < depth; ++k) {
      const int32_t factor = a[i * depth + k];
      for (int64_t j = 0; j < columns; ++j) {
        y[i * columns + j] = wrapping_multiply_add(factor, b[k * columns + j], y[i * columns + j]);
      }
    }
  }
}

// The product of two operands less their zero points: one each, or one for each row of a and column of b.
std::vector<int32_t> product(const MatrixProduct& product, const Tensor& a, const Tensor& a_zero, const Tensor& b,
                             const Tensor& b_zero) {
  const std::vector<int32_t> left = centered(a, along_axis(a_zero, std::max(a.rank() - 2, 0), a.rank()));
  const std::vector<int32_t> right = centered(b, along_axis(b_zero, b.rank() - 1, b.rank()));
  std::vector<int32_t> y(static_cast<size_t>(element_count(product.y_batch) * product.rows * product.columns));
  product.for_each_matrix([&](int64_t of_a, int64_t of_b, int64_t of_y) {
    multiply(product.rows, product.columns, product.depth, left.data() + of_a, right.data() + of_b, y.data() + of_y);
  });
  return y;
}

Tensor optional_input(const EvalContext& context, int idx) {
  return context.has_input(idx) ? context.input(idx) : Tensor();
}

void infer_integer(InferContext& context) {
  infer_matrix_product(context, 0, 1, DataType::kInt32);
}

void eval_integer(EvalContext& context) {
  const Tensor& a = context.input(0);
  const Tensor& b = context.input(1);
  const std::vector<int32_t> y =
      product({a.dims(), b.dims()}, a, optional_input(context, 2), b, optional_input(context, 3));
  std::copy(y.begin(), y.end(), context.out<int32_t>(0).begin());
}

// Rows of accumulators to the output, a multiplier for each column.
void requantize_columns(const std::vector<int32_t>& sums, std::span<const float> multipliers, int32_t zero_point,
                        Tensor& y) {
  for (size_t i = 0; i < sums.size(); ++i) {
    requantize({&sums[i], 1}, multipliers[i % multipliers.size()], zero_point, y, static_cast<int64_t>(i));
  }
}

void infer_qlinear(InferContext& context) {
  infer_matrix_product(context, 0, 3, context.dtype(7));
}

void eval_qlinear(EvalContext& context) {
  const Tensor& a = context.input(0);
  const Tensor& b = context.input(3);
  const MatrixProduct shape(a.dims(), b.dims());
  const std::vector<int32_t> sums = product(shape, a, context.input(2), b, context.input(5));
  std::vector<float> multipliers = channel_scales(context, 4, shape.columns);
  const float a_scale = scale_operand(context, 1), y_scale = scale_operand(context, 6);
  for (float& multiplier : multipliers) multiplier = a_scale * multiplier / y_scale;
  requantize_columns(sums, multipliers, zero_point_operand(context, 7), context.output(0));
}

int64_t macs_of(const TensorType& a, const TensorType& y) {
  return element_count(*y.shape.known_dims()) * a.shape.known_dims()->back();
}

int64_t macs(const Node& /*node*/, std::span<const TensorType> inputs, std::span<const TensorType> outputs) {
  return macs_of(inputs[0], outputs[0]);
}

constexpr AttributeDef kGemmAttributes[] = {{"alpha", 1.0F}, {"transA", 0}, {"transB", 0}};

void infer_gemm(InferContext& context) {
  require_dtype(context, 6, DataType::kInt32);
  context.require_rank(0, 2);
  context.require_rank(3, 2);
  const Shape& a = context.shape(0);
  const Shape& b = context.shape(3);
  const int trans_a = int_attr(context.node(), "transA") != 0 ? 1 : 0;
  const int trans_b = int_attr(context.node(), "transB") != 0 ? 1 : 0;
  if (a.ranked() && b.ranked() && a[1 - trans_a].known() && b[trans_b].known() && a[1 - trans_a] != b[trans_b]) {
    context.fail_input(3, "sums over " + std::to_string(b[trans_b].value) + " elements, but operand 0 over " +
                              std::to_string(a[1 - trans_a].value));
  }
  const Shape y{a.ranked() ? a[trans_a] : Dim(), b.ranked() ? b[1 - trans_b] : Dim()};
  if (context.has_input(6) && context.shape(6).known() && y.known() && !(broadcast(context.shape(6), y) == y)) {
    context.fail_input(6, to_string(context.shape(6)) + " does not broadcast to " + to_string(y));
  }
  DataType dtype = DataType::kFloat;
  if (context.has_input(7)) dtype = context.has_input(8) ? context.dtype(8) : context.dtype(0);
  context.set_output(0, dtype, y);
}

std::vector<int32_t> transposed(const std::vector<int32_t>& matrix, int64_t rows, int64_t columns) {
  std::vector<int32_t> result(matrix.size());
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      result[static_cast<size_t>(j * rows + i)] = matrix[static_cast<size_t>(i * columns + j)];
    }
  }
  return result;
}

// A' * B' + C as integers.
std::vector<int32_t> gemm_sums(const EvalContext& context, const Dims& y_dims) {
  const Dims& a_dims = context.input(0).dims();
  const Dims& b_dims = context.input(3).dims();
  const bool trans_a = int_attr(context.node(), "transA") != 0, trans_b = int_attr(context.node(), "transB") != 0;
  std::vector<int32_t> a = centered(context.input(0), along_axis(optional_input(context, 2), 0, 2));
  std::vector<int32_t> b = centered(context.input(3), along_axis(optional_input(context, 5), trans_b ? 0 : 1, 2));
  if (trans_a) a = transposed(a, a_dims[0], a_dims[1]);
  if (trans_b) b = transposed(b, b_dims[0], b_dims[1]);
  std::vector<int32_t> sums(static_cast<size_t>(element_count(y_dims)));
  multiply(y_dims[0], y_dims[1], a_dims[trans_a ? 0 : 1], a.data(), b.data(), sums.data());
  if (!context.has_input(6)) return sums;
  const auto plan = plan_broadcast<1>(y_dims, {context.input(6).dims()});
  const auto c = context.in<int32_t>(6);
  for_each_line(plan, [&](int64_t out, const std::array<int64_t, 1>& offsets) {
    for (int64_t i = 0; i < plan.line; ++i) {
      int32_t& sum = sums[static_cast<size_t>(out + i)];
      sum = wrapping_multiply_add(1, sum, c[static_cast<size_t>(offsets[0] + i * plan.steps[0])]);
    }
  });
  return sums;
}

void eval_gemm(EvalContext& context) {
  const Dims y_dims = context.output(0).dims();
  const std::vector<int32_t> sums = gemm_sums(context, y_dims);
  const float a_scale = scale_operand(context, 1), alpha = float_attr(context.node(), "alpha");
  std::vector<float> multipliers = channel_scales(context, 4, y_dims[1]);
  for (float& multiplier : multipliers) multiplier = alpha * a_scale * multiplier;
  if (context.has_input(7)) {
    const float y_scale = scale_operand(context, 7);
    for (float& multiplier : multipliers) multiplier /= y_scale;
    return requantize_columns(sums, multipliers, zero_point_operand(context, 8), context.output(0));
  }
  const auto y = context.out<float>(0);
  for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<float>(sums[i]) * multipliers[i % multipliers.size()];
}

int64_t gemm_macs(const Node& node, std::span<const TensorType> inputs, std::span<const TensorType> outputs) {
  const Dims a = *inputs[0].shape.known_dims();
  return element_count(*outputs[0].shape.known_dims()) * a[int_attr(node, "transA") != 0 ? 0 : 1];
}

}  // namespace

extern const OpDef k_matmul_integer{.name = "MatMulInteger",
                                    .inputs = {2, 4},
                                    .infer = infer_integer,
                                    .eval = eval_integer,
                                    .macs = macs,
                                    .quant = kInteger};

extern const OpDef k_qlinear_matmul{.name = "QLinearMatMul",
                                    .inputs = {8, 8},
                                    .infer = infer_qlinear,
                                    .eval = eval_qlinear,
                                    .macs = macs,
                                    .quant = kInteger};

extern const OpDef k_qgemm{.name = "QGemm",
                           .domain = "com.microsoft",
                           .inputs = {6, 9},
                           .attributes = kGemmAttributes,
                           .infer = infer_gemm,
                           .eval = eval_gemm,
                           .macs = gemm_macs,
                           .quant = kInteger};

}  // namespace tinyc
