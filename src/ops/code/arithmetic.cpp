// Add, Sub, Mul, Min and Max of 8-bit tensors on a device.
//
// A constant of one element makes a function of the other operand: a table. An operand that is repeated over the outer
// axes of memory (one value for each channel of an image) goes to a kernel for that; one that is repeated otherwise is
// written out in full, offline where it is constant.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "ops/code/requantize.h"
#include "ops/code/table.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

constexpr KernelDef kAdd = TINYC_KERNEL(tc_add_s8, "add_s8.h");
constexpr KernelDef kAddChannels = TINYC_KERNEL(tc_add_channels_s8, "add_s8.h");
constexpr KernelDef kMul = TINYC_KERNEL(tc_mul_s8, "mul_s8.h");
constexpr KernelDef kMulChannels = TINYC_KERNEL(tc_mul_channels_s8, "mul_s8.h");
constexpr KernelDef kMax = TINYC_KERNEL(tc_max_s8, "extreme_s8.h");
constexpr KernelDef kMin = TINYC_KERNEL(tc_min_s8, "extreme_s8.h");
constexpr KernelDef kTranspose = TINYC_KERNEL(tc_transpose_s8, "move_s8.h");
constexpr size_t kMostLoops = 5;  // of the transposition

// Two operands as the kernels take them: `a` is whole, `b` is whole too or has one value for each place in the inner
// part of memory that it is repeated over.
struct Operands {
  int a = 0, b = 1;
  CallArg a_data, b_data, out;
  int64_t size = 0;
  int64_t count = 0;  // of b when it is repeated; else 0
};

void check(const CodeContext& context) {
  for (int i = 0; std::cmp_less(i, context.node().inputs.size()); ++i) {
    if (!context.is_integer(i)) context.refuse("its data are not 8-bit integers");
  }
  if (!context.is_result_integer()) context.refuse("its data are not 8-bit integers");
}

// The dims with ones in front up to that rank.
Dims padded(Dims dims, size_t rank) {
  dims.insert(dims.begin(), rank - dims.size(), 1);
  return dims;
}

// That order without the axes that the operand does not have.
Order order_of_operand(const CodeContext& context, int operand, const Order& order) {
  const size_t dropped = order.size() - context.dims(operand).size();
  Order result;
  for (int axis : order) {
    if (std::cmp_greater_equal(axis, dropped)) result.push_back(axis - static_cast<int>(dropped));
  }
  return result;
}

// By loop over the result in memory order, how far to go in the operand: 0 where it is repeated.
std::vector<int64_t> steps_of(const Dims& memory) {
  std::vector<int64_t> steps(memory.size(), 0);
  int64_t step = 1;
  for (size_t k = memory.size(); k-- > 0; step *= memory[k]) steps[k] = memory[k] == 1 ? 0 : step;
  return steps;
}

// A constant, repeated offline.
CallArg repeated_constant(CodeContext& context, int operand, const Dims& result, const std::vector<int64_t>& steps,
                          const Order& order) {
  // In C order; the steps are those of the memory order of the constant, whose elements are taken in that order.
  const Dims dims = padded(context.dims(operand), result.size());
  std::vector<int64_t> strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  const int64_t shift = is_signed_integer(context.params(operand)->storage) ? 0 : 128;
  const std::vector<int64_t> stored = context.constant(operand)->to_int64();
  std::vector<int8_t> repeated;
  std::vector<int64_t> at(result.size(), 0);
  for (int64_t left = element_count(result); left > 0; --left) {
    int64_t place = 0;
    for (size_t k = 0; k < at.size(); ++k) {
      if (steps[k] != 0) place += at[k] * strides[static_cast<size_t>(order[k])];
    }
    repeated.push_back(static_cast<int8_t>(stored[static_cast<size_t>(place)] - shift));
    for (size_t k = at.size(); k-- > 0 && ++at[k] == result[k];) at[k] = 0;
  }
  return context.data("repeated", Tensor::of<int8_t>({element_count(result)}, repeated));
}

// The operand repeated to the dims of the result, in that order.
CallArg in_whole(CodeContext& context, int operand, const Order& order, bool on_result_grid) {
  const Dims dims = context.result_dims();
  const Dims result = ordered(dims, order);
  const Dims memory = ordered(padded(context.dims(operand), dims.size()), order);
  const std::vector<int64_t> steps = steps_of(memory);
  const bool moves = on_result_grid && !has_result_grid(context, operand);
  if (memory != result && context.constant(operand) != nullptr && !moves) {
    return repeated_constant(context, operand, result, steps, order);
  }
  const Order own = order_of_operand(context, operand, order);
  const CallArg in = moves ? in_on_result_grid(context, operand, own) : context.in(operand, own);
  if (memory == result) return in;
  std::vector<int64_t> counts, strides;
  for (size_t k = 0; k < result.size(); ++k) {
    if (result[k] == 1) continue;
    counts.push_back(result[k]);
    strides.push_back(steps[k]);
  }
  if (counts.size() > kMostLoops) context.refuse("an operand is repeated over more than five axes");
  counts.insert(counts.begin(), kMostLoops - counts.size(), 1);
  strides.insert(strides.begin(), kMostLoops - strides.size(), 0);
  const Temporary whole = make_temporary(context, element_count(result));
  std::vector<CallArg> args = {in, whole.write};
  for (int64_t count : counts) args.push_back(context.number(count));
  for (int64_t stride : strides) args.push_back(context.number(stride));
  context.call(kTranspose, std::move(args));
  return whole.read;
}

// The order of the operand that has all of the result's dims, of a computed one if possible.
Order common_order(const CodeContext& context) {
  const Dims dims = context.result_dims();
  Order order = channels_last(static_cast<int>(dims.size()));
  for (int i = static_cast<int>(context.node().inputs.size()); i-- > 0;) {
    if (context.constant(i) == nullptr && context.dims(i).size() == dims.size()) order = context.order_of(i, order);
  }
  for (int i = static_cast<int>(context.node().inputs.size()); i-- > 0;) {
    if (context.constant(i) == nullptr && context.dims(i) == dims) order = context.order_of(i, order);
  }
  return order;
}

// The operand is repeated over the outer axes of memory only: how many values it has. Else 0.
int64_t inner_count(const CodeContext& context, int operand, const Order& order) {
  const Dims result = ordered(context.result_dims(), order);
  const Dims memory = ordered(padded(context.dims(operand), order.size()), order);
  const int64_t size = element_count(memory);
  int64_t count = 1;
  for (size_t k = result.size(); k-- > 0 && count < size; count *= result[k]) {
    if (memory[k] != result[k]) return 0;
  }
  return count == size && size < element_count(result) ? size : 0;
}

Operands arrange(CodeContext& context) {
  check(context);
  Operands result;
  const Dims dims = context.result_dims();
  result.size = element_count(dims);
  if (context.dims(0) != dims || (context.constant(0) != nullptr && context.dims(1) == dims)) {
    std::swap(result.a, result.b);
  }
  const Order order = common_order(context);
  result.count = inner_count(context, result.b, order);
  result.a_data = in_whole(context, result.a, order, false);
  result.b_data = result.count > 0 ? context.in(result.b, order_of_operand(context, result.b, order))
                                   : in_whole(context, result.b, order, false);
  result.out = context.out(order);
  return result;
}

// The operand that is not a constant of one element, when the other is; else -1.
int only_variable(const CodeContext& context) {
  if (context.node().inputs.size() != 2) return -1;
  for (int i = 0; i < 2; ++i) {
    const Tensor* other = context.constant(1 - i);
    if (other != nullptr && other->size() == 1 && context.constant(i) == nullptr && context.is_integer(i)) return i;
  }
  return -1;
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

// factor * (a * scale_a + sign * b * scale_b), both multipliers of one shift, as large as 32 bits allow.
void code_sum(CodeContext& context, int sign, double factor = 1) {
  if (const int variable = only_variable(context); variable >= 0) return code_function_of(context, variable);
  const Operands o = arrange(context);
  const Grid out = context.result_grid();
  const Grid a = context.grid(o.a);
  const Grid b = context.grid(o.b);
  const double ratio_a = static_cast<double>(a.scale) / static_cast<double>(out.scale) * factor * (o.a == 0 ? 1 : sign);
  const double ratio_b = static_cast<double>(b.scale) / static_cast<double>(out.scale) * factor * (o.b == 0 ? 1 : sign);
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

// The kernel over all operands, two at a time; all on the grid of the result.
void code_extreme(CodeContext& context, const KernelDef& kernel, int32_t in_float) {
  if (!all_integer(context, static_cast<int>(context.node().inputs.size()))) {
    return code_binary_f32(context, in_float);
  }
  if (const int variable = only_variable(context); variable >= 0) return code_function_of(context, variable);
  if (context.node().inputs.size() == 1) return code_identity(context);
  check(context);
  const Grid grid = context.result_grid();
  const Order order = common_order(context);
  CallArg left = in_whole(context, 0, order, true);
  const CallArg out = context.out(order);
  for (int i = 1; std::cmp_less(i, context.node().inputs.size()); ++i) {
    const CallArg right = in_whole(context, i, order, true);
    context.call(kernel, {left, right, out, context.number(element_count(context.result_dims())),
                          context.number(grid.low), context.number(grid.high)});
    left = out;
    left.kind = CallArg::Kind::kRead;
  }
}

void code_sum_of_all(CodeContext& context, double factor) {
  if (context.node().inputs.size() == 1) return code_identity(context);
  if (context.node().inputs.size() > 2) context.refuse("it has more than two operands");
  if (!all_integer(context, 2)) {
    if (factor != 1) context.refuse("there is no device kernel for this op in float");
    return code_binary_f32(context, TC_BINARY_ADD);
  }
  code_sum(context, 1, factor);
}

}  // namespace

void code_variadic_sum(CodeContext& context) {
  code_sum_of_all(context, 1);
}

void code_mean(CodeContext& context) {
  code_sum_of_all(context, 0.5);
}

void code_max(CodeContext& context) {
  code_extreme(context, kMax, TC_BINARY_MAX);
}

void code_min(CodeContext& context) {
  code_extreme(context, kMin, TC_BINARY_MIN);
}

void code_add(CodeContext& context) {
  if (!all_integer(context, 2)) return code_binary_f32(context, TC_BINARY_ADD);
  code_sum(context, 1);
}

void code_sub(CodeContext& context) {
  if (!all_integer(context, 2)) return code_binary_f32(context, TC_BINARY_SUB);
  code_sum(context, -1);
}

void code_mul(CodeContext& context) {
  if (!all_integer(context, 2)) return code_binary_f32(context, TC_BINARY_MUL);
  if (const int variable = only_variable(context); variable >= 0) return code_function_of(context, variable);
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
