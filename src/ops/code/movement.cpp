// Ops that move elements on a device as whole blocks: most only see the same bytes under other dims.
#include <algorithm>
#include <utility>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "ops/code/table.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr KernelDef kStridedCopy = TINYC_KERNEL(tc_strided_copy_s8, "move_s8.h");

// The result is the operand's bytes in that order, seen in `result_order`.
void code_same_bytes(CodeContext& context, const Order& order, const Order& result_order) {
  if (has_result_grid(context, 0)) return context.alias(0, order, result_order);
  code_regrid(context, order, result_order);
}

}  // namespace

void code_reshape(CodeContext& context) {
  code_same_bytes(context, plain_order(static_cast<int>(context.dims(0).size())),
                  plain_order(static_cast<int>(context.result_dims().size())));
}

// Any order will do: the result's is the same.
void code_identity(CodeContext& context) {
  const Order order = context.order_of(0, channels_last(static_cast<int>(context.dims(0).size())));
  code_same_bytes(context, order, order);
}

// The same bytes: where axis a of the operand was, the axis of the result that comes from it is now.
void code_transpose(CodeContext& context) {
  const int rank = static_cast<int>(context.dims(0).size());
  std::vector<int> perm(static_cast<size_t>(rank));
  const auto given = ints_attr(context.node(), "perm");
  for (int i = 0; i < rank; ++i) {
    perm[static_cast<size_t>(i)] = given.empty() ? rank - 1 - i : normalize_axis(given[static_cast<size_t>(i)], rank);
  }
  const Order order = context.order_of(0, plain_order(rank));
  Order result;
  for (int axis : order) {
    result.push_back(static_cast<int>(std::find(perm.begin(), perm.end(), axis) - perm.begin()));
  }
  code_same_bytes(context, order, result);
}

void code_concat(CodeContext& context) {
  const Dims dims = context.result_dims();
  const int rank = static_cast<int>(dims.size());
  const int axis = normalize_axis(int_attr(context.node(), "axis"), rank);
  const Order order = context.order_of(0, channels_last(rank));
  const auto at = std::find(order.begin(), order.end(), axis);
  int64_t inner = 1;
  for (auto it = at + 1; it != order.end(); ++it) inner *= dims[static_cast<size_t>(*it)];
  const int64_t stride = dims[static_cast<size_t>(axis)] * inner;
  const int64_t rows = element_count(dims) / stride;
  const bool in_float = !all_integer(context, static_cast<int>(context.node().inputs.size()));
  const int64_t size = in_float ? static_cast<int64_t>(sizeof(float)) : 1;
  CallArg out = in_float ? context.out_float(order) : context.out(order);
  for (int i = 0; std::cmp_less(i, context.node().inputs.size()); ++i) {
    const int64_t bytes = context.dims(i)[static_cast<size_t>(axis)] * inner * size;
    if (bytes == 0) continue;
    const CallArg in = in_float ? context.in_float(i, order) : in_on_result_grid(context, i, order);
    context.call(kStridedCopy, {in, out, context.number(rows), context.number(bytes), context.number(bytes),
                                context.number(stride * size)});
    out.offset += bytes;
  }
}

}  // namespace tinyc
