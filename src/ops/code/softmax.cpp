// Softmax on a device, in integers.
#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "ops/code/table.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr KernelDef kSoftmax = TINYC_KERNEL(tc_softmax_s8, "softmax_s8.h");

// round(2^bits * exp(-d * scale)) for each distance d from the largest of a row, up to the first that is 0; see
// src/rt/softmax_s8.h for bits.
std::vector<int32_t> exponents(double scale, int64_t count) {
  int bits = 23;
  while (std::ldexp(static_cast<double>(count), bits) >= 0x1p32) --bits;
  std::vector<int32_t> table;
  for (int d = 0; d < 256 && (table.empty() || table.back() != 0); ++d)
    table.push_back(static_cast<int32_t>(std::llround(std::ldexp(std::exp(-d * scale), bits))));
  return table;
}

}  // namespace

void code_softmax(CodeContext& context) {
  if (!all_integer(context, 1)) return code_softmax_f32(context, false);
  const Grid out = context.result_grid();
  const Dims x = context.dims(0);
  const int rank = static_cast<int>(x.size());
  const int axis = normalize_axis(int_attr(context.node(), "axis"), rank);
  Order order = context.order_of(0, plain_order(rank));
  if (order.back() != axis) {
    order.erase(std::find(order.begin(), order.end(), axis));
    order.push_back(axis);
  }
  const int64_t count = x[static_cast<size_t>(axis)];
  const int64_t size = element_count(x);
  const CallArg from = context.in(0, order);
  // The kernel gives steps of 1/256; other tools may have chosen others.
  const Grid natural{1.0F / 256, -128, -128, 127};
  const bool as_is = out.scale == natural.scale && out.zero_point == natural.zero_point;
  const Temporary between = as_is ? Temporary() : make_temporary(context, size);
  const CallArg to = as_is ? context.out(order) : between.write;
  const std::vector<int32_t> table = exponents(static_cast<double>(context.grid(0).scale), count);
  const auto entries = static_cast<int64_t>(table.size());
  context.call(kSoftmax, {from, to, context.data("exponents", Tensor::of<int32_t>({entries}, table)),
                          context.number(entries - 1), context.number(size / count), context.number(count)});
  context.overlap_same_start(to, from);
  if (!as_is) call_regrid(context, between.read, context.out(order), natural, size);
}

void code_log_softmax(CodeContext& context) {
  code_softmax_f32(context, true);
}

}  // namespace tinyc
