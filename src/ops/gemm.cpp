// Gemm: y = alpha * A' * B' + beta * C, where A' and B' are A and B or their transposes and C is broadcast to [M, N].
// Quantized: integers in and out, weights B per output channel (axis 0 if transB, else 1), int32 bias C.
#include <cmath>
#include <limits>
#include <vector>

#include "ops/broadcast.h"
#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/element_types.h"
#include "ops/kernels/dense.h"
#include "ops/kernels/elementwise.h"
#include "ops/linear/forms.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"alpha", 1.0F}, {"beta", 1.0F}, {"transA", 0}, {"transB", 0}};

using GemmTypes = TypeList<float, double, int32_t, int64_t, uint32_t, uint64_t>;

void infer(InferContext& context) {
  context.require_rank(0, 2);
  context.require_rank(1, 2);
  require_same_dtype(context, 1);
  require_same_dtype(context, 2);
  const Shape& a = context.shape(0);
  const Shape& b = context.shape(1);
  const int trans_a = int_attr(context.node(), "transA") != 0 ? 1 : 0;
  const int trans_b = int_attr(context.node(), "transB") != 0 ? 1 : 0;
  const Dim rows = a.ranked() ? a[trans_a] : Dim();
  const Dim columns = b.ranked() ? b[1 - trans_b] : Dim();
  if (a.ranked() && b.ranked() && a[1 - trans_a].known() && b[trans_b].known() &&
      a[1 - trans_a].value != b[trans_b].value) {
    context.fail_input(1, "sums over " + std::to_string(b[trans_b].value) + " elements, but operand 0 over " +
                              std::to_string(a[1 - trans_a].value));
  }
  const Shape y{rows, columns};
  if (context.has_input(2) && context.shape(2).ranked()) {
    const Shape& c = context.shape(2);
    for (int i = 1; i <= c.rank(); ++i) {
      const Dim& dim = c[c.rank() - i];
      const bool fits = i <= 2 && (!dim.known() || dim.value == 1 || !y[2 - i].known() || dim.value == y[2 - i].value);
      if (!fits) context.fail_input(2, to_string(c) + " does not broadcast to " + to_string(y));
    }
  }
  context.set_output(0, context.dtype(0), y);
}

template <typename T>
T multiply_add(T a, T b, T sum) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::fma(a, b, sum);
  } else {
    return static_cast<T>(sum + a * b);
  }
}

template <typename T>
void run_reference(EvalContext& context) {
  const bool trans_a = int_attr(context.node(), "transA") != 0;
  const bool trans_b = int_attr(context.node(), "transB") != 0;
  const auto alpha = static_cast<T>(float_attr(context.node(), "alpha"));
  const auto beta = static_cast<T>(float_attr(context.node(), "beta"));
  const Dims& y_dims = context.output(0).dims();
  const int64_t rows = y_dims[0], columns = y_dims[1], depth = context.input(0).dims()[trans_a ? 0 : 1];
  const auto a = context.in<T>(0), b = context.in<T>(1);
  const auto y = context.out<T>(0);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      T sum{0};
      for (int64_t k = 0; k < depth; ++k) {
        sum = multiply_add(a[static_cast<size_t>(trans_a ? k * rows + i : i * depth + k)],
                           b[static_cast<size_t>(trans_b ? j * depth + k : k * columns + j)], sum);
      }
      y[static_cast<size_t>(i * columns + j)] = static_cast<T>(alpha * sum);
    }
  }
  if (!context.has_input(2)) return;
  const auto c = context.in<T>(2);
  const auto plan = plan_broadcast<1>(y_dims, {context.input(2).dims()});
  for_each_line(plan, [&](int64_t out, const std::array<int64_t, 1>& offsets) {
    for (int64_t i = 0; i < plan.line; ++i) {
      T& element = y[static_cast<size_t>(out + i)];
      element = multiply_add(beta, c[static_cast<size_t>(offsets[0] + i * plan.steps[0])], element);
    }
  });
}

void eval(EvalContext& context) {
  visit_type(GemmTypes(), context.input(0).dtype(),
             [&]<typename T>(std::type_identity<T> /*type*/) { run_reference<T>(context); });
}

// y = clamp(alpha * y + beta * c), c broadcast.
void add_c(EvalContext& context, const BroadcastPlan<1>& plan, float low, float high) {
  const float alpha = float_attr(context.node(), "alpha"), beta = float_attr(context.node(), "beta");
  const float zero = 0.0F;
  float* const y = context.out<float>(0).data();
  for_each_line(plan, [&](int64_t out, const std::array<int64_t, 1>& offsets) {
    const kernels::Line line{.b = context.has_input(2) ? context.in<float>(2).data() + offsets[0] : &zero,
                             .b_moves = plan.steps[0] != 0,
                             .count = plan.line,
                             .y = y + out};
    kernels::scale_and_add(line, alpha, beta, low, high);
  });
}

// Floats: a dense layer. Constant weights are packed here, others at each run; a transposed A takes the reference.
Kernel prepare(const PrepareContext& context) {
  const Dims b = *context.inputs[1].shape.known_dims(), y = *context.outputs[0].shape.known_dims();
  const bool trans_b = int_attr(context.node, "transB") != 0;
  if (context.inputs[0].dtype != DataType::kFloat || int_attr(context.node, "transA") != 0 || element_count(b) == 0 ||
      element_count(y) == 0 || element_count(b) > std::numeric_limits<int32_t>::max() / 64) {
    return {};
  }
  const int64_t rows = y[0], columns = y[1], depth = b[trans_b ? 1 : 0];
  const int64_t row_stride = trans_b ? 1 : columns, column_stride = trans_b ? depth : 1;
  kernels::Dense dense(depth, columns);
  std::vector<float> packed;
  if (const Tensor* weights = context.constants[1]) {
    packed.resize(static_cast<size_t>(dense.packed_size()));
    dense.pack(weights->data<float>().data(), row_stride, column_stride, packed.data());
  }
  const Shape& c = context.inputs.size() > 2 ? context.inputs[2].shape : Shape();
  auto plan = plan_broadcast<1>(y, {c.known() ? *c.known_dims() : Dims()});
  return [=, dense = std::move(dense), packed = std::move(packed), plan = std::move(plan), low = context.clamp_low,
          high = context.clamp_high](EvalContext& run) {
    const float* weights = packed.data();
    if (packed.empty()) {
      float* scratch = run.scratch_floats(static_cast<size_t>(dense.packed_size()));
      dense.pack(run.in<float>(1).data(), row_stride, column_stride, scratch);
      weights = scratch;
    }
    dense.run({.rows = rows,
               .a = run.in<float>(0).data(),
               .b = weights,
               .low = -INFINITY,
               .high = INFINITY,
               .y = run.out<float>(0).data()});
    add_c(run, plan, low, high);
  };
}

int64_t macs(const Node& node, std::span<const TensorType> inputs, std::span<const TensorType> outputs) {
  const Dims a = *inputs[0].shape.known_dims();
  return element_count(*outputs[0].shape.known_dims()) * a[int_attr(node, "transA") != 0 ? 0 : 1];
}

int channel_axis(const Node& node, int /*operand*/, int /*rank*/) {
  return int_attr(node, "transB") != 0 ? 0 : 1;
}

}  // namespace

extern const OpDef k_gemm{
    .name = "Gemm",
    .inputs = {2, 3},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .prepare = prepare,
    .macs = macs,
    .code = code_gemm,
    .linear = linear_gemm,
    .axes = gemm_axes,
    .fuses_clamp = true,
    .quant = {.kind = QuantKind::kCompute,
              .data_inputs = 0b11,
              .weights = {1, -1},
              .bias = 2,
              .channel_axis = channel_axis,
              .scaling = Scaling::kLayer},
};

}  // namespace tinyc
