// Layer normalization and products of two computed matrices on a device.
//
// The operands of a product are read where they lie: a transposed one, or one head of many side by side, is only other
// strides; the result is written in the order that keeps the first operand's heads where they are.
#include <algorithm>
#include <cmath>
#include <optional>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "ops/code/requantize.h"
#include "ops/normalization.h"
#include "tinyc/base/error.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr KernelDef kMatMul = TINYC_KERNEL(tc_matmul_s8, "matmul_s8.h");
constexpr KernelDef kLayerNorm = TINYC_KERNEL(tc_layer_norm_s8, "layer_norm_s8.h");
constexpr KernelDef kLayerNormFloats = TINYC_KERNEL(tc_layer_norm_f32, "normalize_f32.h");

// A stack of matrices in memory: one stride for all axes in front of the last two.
struct Stack {
  int64_t batches = 1;
  int64_t batch = 0, row = 0, column = 0;  // strides
};

// Nothing when the axes in front cannot be walked with one stride.
std::optional<Stack> stack_of(const Dims& dims, const Order& order) {
  const Dims strides = strides_of(dims, order);
  const size_t rank = dims.size();
  Stack stack{1, 0, strides[rank - 2], strides[rank - 1]};
  for (size_t i = rank - 2; i-- > 0;) {
    if (dims[i] == 1) continue;
    if (stack.batches != 1 && strides[i] != stack.batch * stack.batches) return std::nullopt;
    if (stack.batches == 1) stack.batch = strides[i];
    stack.batches *= dims[i];
  }
  return stack;
}

struct Operand {
  CallArg data;
  Stack stack;
};

Operand read_stack(CodeContext& context, int idx) {
  const Dims dims = context.dims(idx);
  Order order = context.order_of(idx, plain_order(static_cast<int>(dims.size())));
  auto stack = stack_of(dims, order);
  if (!stack) {
    order = plain_order(static_cast<int>(dims.size()));
    stack = stack_of(dims, order);
  }
  return {context.in(idx, order), *stack};
}

constexpr int64_t kMostInner = 33025;  // inner * 255^2 < 2^31
constexpr int64_t kMostNormalized = 1 << 14;

// sigma of the rows in steps of the operand, squared, times 16: see src/rt/layer_norm_s8.h.
int64_t epsilon_constant(CodeContext& context, int64_t count) {
  const auto scale = static_cast<double>(context.grid(0).scale);
  const auto n = static_cast<double>(count);
  const double constant = 16.0 * static_cast<double>(float_attr(context.node(), "epsilon")) * n * n / (scale * scale);
  if (!(constant < 0x1p60)) context.refuse("its epsilon is far above its operand's values");
  return std::llround(constant);
}

// {bias, multiplier} for each element of a row, and the shift that all share.
struct Affine {
  std::vector<int32_t> channels;
  int shift = 0;
};

Affine affine_of(CodeContext& context, std::span<const float> scale, std::span<const float> bias, int fraction) {
  const Grid out = context.result_grid();
  const auto step = static_cast<double>(out.scale);
  Affine affine;
  for (affine.shift = 20; affine.shift >= 1; --affine.shift) {
    affine.channels.clear();
    bool fits = true;
    for (size_t i = 0; i < scale.size(); ++i) {
      const double multiplier = std::ldexp(static_cast<double>(scale[i]) / step, 32 - fraction + affine.shift);
      const double start = std::ldexp(static_cast<double>(bias[i]) / step + out.zero_point + 0.5, affine.shift);
      // |hi32(t * multiplier)| < 2^29, so that the sum has room.
      fits = fits && std::abs(multiplier) < 0x1.fffffep30 && std::abs(start) < 0x1p30;
      if (!fits) break;
      affine.channels.push_back(static_cast<int32_t>(std::llround(start)));
      affine.channels.push_back(static_cast<int32_t>(std::llround(multiplier)));
    }
    if (fits) return affine;
  }
  context.refuse("the grid of its result is too fine for its scale and bias");
}

}  // namespace

void code_computed_matmul(CodeContext& context) {
  const Dims a_dims = context.dims(0);
  const Dims b_dims = context.dims(1);
  const Dims dims = context.result_dims();
  if (a_dims.size() < 2 || b_dims.size() < 2) context.refuse("an operand is a vector");
  const Grid out = context.result_grid();
  const double ratio = static_cast<double>(context.grid(0).scale) * static_cast<double>(context.grid(1).scale) /
                       static_cast<double>(out.scale);
  if (ratio >= kMostRatio) context.refuse("the grid of its result is finer than its products");
  const int64_t inner = a_dims.back();
  if (inner > kMostInner) context.refuse("its sums do not fit 32 bits");
  const double ratios[] = {ratio};
  const Requantization r = requantize_by(ratios, out.zero_point);
  const Operand a = read_stack(context, 0);
  const Operand b = read_stack(context, 1);
  const int64_t batches = std::max(a.stack.batches, b.stack.batches);
  if ((a.stack.batches != batches && a.stack.batches != 1) || (b.stack.batches != batches && b.stack.batches != 1)) {
    context.refuse("its operands are repeated along several axes");
  }
  // Heads of attention stay side by side when the first operand has them so.
  Order order = plain_order(static_cast<int>(dims.size()));
  if (a.stack.batches == batches && a.stack.batch < a.stack.row && a.stack.batch > a.stack.column) {
    std::swap(order[order.size() - 3], order[order.size() - 2]);
  }
  auto to_stack = stack_of(dims, order);
  if (!to_stack) {
    order = plain_order(static_cast<int>(dims.size()));
    to_stack = stack_of(dims, order);
  }
  const CallArg to = context.out(order);
  const auto n = [&](int64_t value) { return context.number(value); };
  context.call(kMatMul, {a.data,
                         b.data,
                         to,
                         n(batches),
                         n(dims[dims.size() - 2]),
                         n(inner),
                         n(dims.back()),
                         n(a.stack.batch),
                         n(a.stack.row),
                         n(a.stack.column),
                         n(b.stack.batch),
                         n(b.stack.row),
                         n(b.stack.column),
                         n(to_stack->batch),
                         n(to_stack->row),
                         n(context.grid(0).zero_point),
                         n(context.grid(1).zero_point),
                         n(r.multipliers[0]),
                         n(r.rounding),
                         n(r.shift),
                         n(out.low),
                         n(out.high)});
}

void code_layer_normalization(CodeContext& context) {
  for (size_t i = 1; i < context.node().outputs.size(); ++i) {
    if (context.node().outputs[i] != kNoValue) context.refuse("it also gives its moments");
  }
  if (context.constant(1) == nullptr || (context.has_input(2) && context.constant(2) == nullptr)) {
    context.refuse("its scale or bias is computed");
  }
  const Dims x = context.dims(0);
  const int rank = static_cast<int>(x.size());
  const auto row = std::span(x).subspan(static_cast<size_t>(normalize_axis(int_attr(context.node(), "axis"), rank)));
  const int64_t count = element_count(row);
  const std::vector<float> scale = broadcast_floats(*context.constant(1), row);
  const std::vector<float> bias =
      context.has_input(2) ? broadcast_floats(*context.constant(2), row) : std::vector<float>(scale.size(), 0.0F);
  const auto n = [&](int64_t value) { return context.number(value); };
  const Order order = plain_order(rank);
  const int64_t rows = element_count(x) / count;
  if (!all_integer(context, 1)) {
    const CallArg in = context.in_float(0, order);
    const CallArg out = context.out_float(order);
    context.call(kLayerNormFloats,
                 {in, out, float_data(context, "scale", scale), float_data(context, "bias", bias),
                  float_data(context, "epsilon", {float_attr(context.node(), "epsilon")}), n(rows), n(count)});
    return context.overlap_same_start(out, in);
  }
  if (count > kMostNormalized) context.refuse("its rows are longer than 16384");
  int log_count = 0;
  while ((int64_t{1} << log_count) < count) ++log_count;
  const Affine affine = affine_of(context, scale, bias, 30 - (log_count + 1) / 2);
  const int64_t epsilon = epsilon_constant(context, count);
  const CallArg in = context.in(0, order);
  const CallArg out = context.out(order);
  const Tensor channels = Tensor::of<int32_t>({2 * count}, affine.channels);
  context.call(kLayerNorm, {in, out, context.data("channels", channels), n(rows), n(count), n(log_count),
                            n(static_cast<int32_t>(epsilon >> 32)),
                            n(static_cast<int32_t>(static_cast<uint32_t>(epsilon & 0xFFFFFFFF))), n(affine.shift),
                            n(context.result_grid().low), n(context.result_grid().high)});
  context.overlap_same_start(out, in);
}

}  // namespace tinyc
