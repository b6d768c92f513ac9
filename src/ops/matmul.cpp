// MatMul: matrix product with numpy's rules: leading axes broadcast, a one-dimensional operand is a row or a column
// that leaves no axis behind. Quantized: integers in and out; a constant operand 1 is a weight, per channel on its last
// axis.
#include <cmath>
#include <limits>
#include <vector>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/element_types.h"
#include "ops/kernels/dense.h"
#include "ops/linear/forms.h"
#include "ops/matrix_product.h"

namespace tinyc {
namespace {

using MatMulTypes = TypeList<float, double, int32_t, int64_t, uint32_t, uint64_t>;

void infer(InferContext& context) {
  require_same_dtype(context, 1);
  infer_matrix_product(context, 0, 1, context.dtype(0));
}

template <typename T>
void multiply(const MatrixProduct& e, const T* a, const T* b, T* y) {
  for (int64_t i = 0; i < e.rows; ++i) {
    for (int64_t j = 0; j < e.columns; ++j) {
      T sum{0};
      for (int64_t k = 0; k < e.depth; ++k) {
        if constexpr (std::is_floating_point_v<T>) {
          sum = std::fma(a[i * e.depth + k], b[k * e.columns + j], sum);
        } else {
          sum = static_cast<T>(sum + a[i * e.depth + k] * b[k * e.columns + j]);
        }
      }
      y[i * e.columns + j] = sum;
    }
  }
}

void eval(EvalContext& context) {
  const MatrixProduct e(context.input(0).dims(), context.input(1).dims());
  visit_type(MatMulTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T* a = context.in<T>(0).data();
    const T* b = context.in<T>(1).data();
    T* y = context.out<T>(0).data();
    e.for_each_matrix([&](int64_t of_a, int64_t of_b, int64_t of_y) { multiply(e, a + of_a, b + of_b, y + of_y); });
  });
}

// Floats. B is packed: once if it is constant, else for each product.
Kernel prepare(const PrepareContext& context) {
  const MatrixProduct e(*context.inputs[0].shape.known_dims(), *context.inputs[1].shape.known_dims());
  const Dims b = *context.inputs[1].shape.known_dims();
  if (context.inputs[0].dtype != DataType::kFloat || element_count(*context.outputs[0].shape.known_dims()) == 0 ||
      element_count(b) == 0 || element_count(b) > std::numeric_limits<int32_t>::max() / 64) {
    return {};
  }
  kernels::Dense dense(e.depth, e.columns);
  const int64_t b_size = e.depth * e.columns, products = element_count(e.b_batch);
  std::vector<float> packed;
  if (const Tensor* weights = context.constants[1]) {
    packed.resize(static_cast<size_t>(products * dense.packed_size()));
    for (int64_t i = 0; i < products; ++i) {
      dense.pack(weights->data<float>().data() + i * b_size, e.columns, 1, packed.data() + i * dense.packed_size());
    }
  }
  auto plan = plan_broadcast<2>(e.y_batch, {e.a_batch, e.b_batch});
  return [e, b_size, dense = std::move(dense), packed = std::move(packed), plan = std::move(plan),
          low = context.clamp_low, high = context.clamp_high](EvalContext& run) {
    float* scratch = packed.empty() ? run.scratch_floats(static_cast<size_t>(dense.packed_size())) : nullptr;
    for_each_line(plan, [&](int64_t out, const std::array<int64_t, 2>& offsets) {
      for (int64_t i = 0; i < plan.line; ++i) {
        const int64_t b_idx = offsets[1] + i * plan.steps[1];
        if (scratch != nullptr) dense.pack(run.in<float>(1).data() + b_idx * b_size, e.columns, 1, scratch);
        dense.run({.rows = e.rows,
                   .a = run.in<float>(0).data() + (offsets[0] + i * plan.steps[0]) * e.rows * e.depth,
                   .b = scratch != nullptr ? scratch : packed.data() + b_idx * dense.packed_size(),
                   .low = low,
                   .high = high,
                   .y = run.out<float>(0).data() + (out + i) * e.rows * e.columns});
      }
    });
  };
}

int64_t macs(const Node& /*node*/, std::span<const TensorType> inputs, std::span<const TensorType> outputs) {
  return element_count(*outputs[0].shape.known_dims()) * inputs[0].shape.known_dims()->back();
}

int channel_axis(const Node& /*node*/, int /*operand*/, int rank) {
  return rank - 1;
}

}  // namespace

extern const OpDef k_matmul{
    .name = "MatMul",
    .inputs = {2, 2},
    .infer = infer,
    .eval = eval,
    .prepare = prepare,
    .macs = macs,
    .code = code_matmul,
    .linear = linear_matmul,
    .axes = matmul_axes,
    .fuses_clamp = true,
    .quant = {.kind = QuantKind::kCompute,
              .data_inputs = 0b11,
              .weights = {1, -1},
              .channel_axis = channel_axis,
              .scaling = Scaling::kLayer},
};

}  // namespace tinyc
