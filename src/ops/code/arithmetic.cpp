// Add, Sub and Mul of two 8-bit tensors on a device; one of them may be constant, or have one value per channel.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "ops/code/requantize.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

constexpr KernelDef kAdd = TINYC_KERNEL(tc_add_s8, "add_s8.h");
constexpr KernelDef kAddChannels = TINYC_KERNEL(tc_add_channels_s8, "add_s8.h");
constexpr KernelDef kMul = TINYC_KERNEL(tc_mul_s8, "mul_s8.h");
constexpr KernelDef kMulChannels = TINYC_KERNEL(tc_mul_channels_s8, "mul_s8.h");

// Two operands as the kernels take them: `a` is whole, `b` is whole too or has one value per index of the last axis.
struct Operands {
  int a = 0, b = 1;
  CallArg a_data, b_data, out;
  int64_t size = 0;
  int64_t count = 0;  // of b when it is repeated; else 0
};

// The dims with ones in front up to that rank.
Dims padded(Dims dims, size_t rank) {
  dims.insert(dims.begin(), rank - dims.size(), 1);
  return dims;
}

Order padded_order(const Order& order, size_t dropped) {
  Order result;
  for (int axis : order) {
    if (std::cmp_greater_equal(axis, dropped)) result.push_back(axis - static_cast<int>(dropped));
  }
  return result;
}

Operands arrange(CodeContext& context) {
  if (!context.is_integer(0) || !context.is_integer(1) || !context.is_result_integer()) {
    context.refuse("its data are not 8-bit integers");
  }
  Operands result;
  const Dims dims = context.result_dims();
  result.size = element_count(dims);
  if (context.dims(0) != dims || context.constant(0) != nullptr) std::swap(result.a, result.b);
  if (context.dims(result.a) != dims) context.refuse("both operands are repeated along axes");
  const Order order = context.order_of(result.a, channels_last(static_cast<int>(dims.size())));
  const Dims b_dims = padded(context.dims(result.b), dims.size());
  const Order b_order = padded_order(order, dims.size() - context.dims(result.b).size());
  result.a_data = context.in(result.a, order);
  result.b_data = context.in(result.b, b_order);
  result.out = context.out(order);
  if (b_dims == dims) return result;
  const auto last = static_cast<size_t>(order.back());
  result.count = dims[last];
  if (b_dims[last] != dims[last] || element_count(b_dims) != dims[last]) {
    context.refuse("an operand is repeated along another axis than that of its channels");
  }
  return result;
}

void call(CodeContext& context, const Operands& o, const KernelDef& whole, const KernelDef& channels,
          const std::vector<CallArg>& rest) {
  std::vector<CallArg> args = {o.a_data, o.b_data, o.out};
  if (o.count == 0) {
    args.push_back(context.number(o.size));
  } else {
    args.push_back(context.number(o.size / o.count));
    args.push_back(context.number(o.count));
  }
  args.insert(args.end(), rest.begin(), rest.end());
  context.call(o.count == 0 ? whole : channels, std::move(args));
  if (o.a_data.kind == CallArg::Kind::kRead) context.overlap_below(o.out, o.a_data, 0);
  if (o.b_data.kind == CallArg::Kind::kRead && o.count == 0) context.overlap_below(o.out, o.b_data, 0);
}

// With one constant number it is a function of one operand.
bool has_one_number(const CodeContext& context) {
  if (!context.is_result_integer()) return false;
  for (int i = 0; i < 2; ++i) {
    const Tensor* number = context.constant(i);
    const int other = 1 - i;
    if (number == nullptr || number->size() != 1 || context.constant(other) != nullptr) continue;
    return context.is_integer(other) && context.dims(other) == context.result_dims();
  }
  return false;
}

// a * scale_a + sign * b * scale_b, both multipliers of one shift, as large as 32 bits allow.
void code_sum(CodeContext& context, int sign) {
  const Operands o = arrange(context);
  const Grid out = context.result_grid();
  const Grid a = context.grid(o.a);
  const Grid b = context.grid(o.b);
  const double ratio_a = static_cast<double>(a.scale) / static_cast<double>(out.scale) * (o.a == 0 ? 1 : sign);
  const double ratio_b = static_cast<double>(b.scale) / static_cast<double>(out.scale) * (o.b == 0 ? 1 : sign);
  const auto steps = [](double ratio, int shift) { return std::llround(std::ldexp(ratio, shift)); };
  const auto rounding = [&](int shift) {
    return (int64_t{1} << (shift - 1)) + (int64_t{out.zero_point} << shift) - steps(ratio_a, shift) * a.zero_point -
           steps(ratio_b, shift) * b.zero_point;
  };
  const auto fits = [&](int shift) {
    const int64_t most = 128 * (std::abs(steps(ratio_a, shift)) + std::abs(steps(ratio_b, shift)));
    return std::abs(steps(ratio_a, shift)) < (1 << 22) && std::abs(steps(ratio_b, shift)) < (1 << 22) &&
           most + std::abs(rounding(shift)) <= std::numeric_limits<int32_t>::max();
  };
  int shift = 22;
  while (shift > 1 && !fits(shift)) --shift;
  if (!fits(shift)) context.refuse("its operands' grids are too coarse for that of its result");
  call(context, o, kAdd, kAddChannels,
       {context.number(steps(ratio_a, shift)), context.number(steps(ratio_b, shift)), context.number(rounding(shift)),
        context.number(shift), context.number(out.low), context.number(out.high)});
}

}  // namespace

void code_add(CodeContext& context) {
  if (has_one_number(context)) return code_table(context);
  if (!all_integer(context, 2)) return code_binary_f32(context, TC_BINARY_ADD);
  code_sum(context, 1);
}

void code_sub(CodeContext& context) {
  if (has_one_number(context)) return code_table(context);
  if (!all_integer(context, 2)) return code_binary_f32(context, TC_BINARY_SUB);
  code_sum(context, -1);
}

void code_mul(CodeContext& context) {
  if (has_one_number(context)) return code_table(context);
  if (!all_integer(context, 2)) return code_binary_f32(context, TC_BINARY_MUL);
  const Operands o = arrange(context);
  const Grid out = context.result_grid();
  const Grid a = context.grid(o.a);
  const Grid b = context.grid(o.b);
  const double ratio = static_cast<double>(a.scale) * static_cast<double>(b.scale) / static_cast<double>(out.scale);
  int left = 0;
  while (std::ldexp(ratio, -left) >= kMostRatio) ++left;
  if (left > 14) context.refuse("the grid of its result is finer than its products");
  const double reduced[] = {std::ldexp(ratio, -left)};
  const Requantization requantization = requantize_by(reduced, out.zero_point);
  call(context, o, kMul, kMulChannels,
       {context.number(a.zero_point), context.number(b.zero_point), context.number(requantization.multipliers[0]),
        context.number(requantization.rounding), context.number(requantization.shift), context.number(left),
        context.number(out.low), context.number(out.high)});
}

}  // namespace tinyc
