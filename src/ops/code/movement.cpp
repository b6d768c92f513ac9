// Ops that move elements on a device as whole blocks: most only see the same bytes under other dims.
#include <algorithm>
#include <optional>
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

// Axes of the operand that become axes of the result: [48, 8, 8] to [48, 64] are {48}, {48} and {8, 8}, {64}.
struct AxisGroup {
  Order from, to;
};

std::vector<AxisGroup> groups_of(const Dims& from, const Dims& to) {
  std::vector<AxisGroup> groups;
  size_t i = 0;
  size_t j = 0;
  while (i < from.size() || j < to.size()) {
    AxisGroup group;
    int64_t in = 1;
    int64_t out = 1;
    while (i < from.size() && (group.from.empty() || in < out)) {
      in *= from[i];
      group.from.push_back(static_cast<int>(i++));
      while (j < to.size() && (group.to.empty() || out < in)) {
        out *= to[j];
        group.to.push_back(static_cast<int>(j++));
      }
    }
    for (; i == from.size() && j < to.size(); ++j) group.to.push_back(static_cast<int>(j));
    groups.push_back(std::move(group));
  }
  return groups;
}

// The order in which the result is the operand's bytes; nothing when axes that are merged or split lie apart.
std::optional<Order> order_after_reshape(const Dims& from, const Order& order, const Dims& to) {
  const std::vector<AxisGroup> groups = groups_of(from, to);
  Order essential;  // axes of one element may stand anywhere
  for (int axis : order) {
    if (from[static_cast<size_t>(axis)] != 1) essential.push_back(axis);
  }
  Order result;
  for (const AxisGroup& group : groups) {
    const bool ones = std::none_of(group.from.begin(), group.from.end(),
                                   [&](int axis) { return from[static_cast<size_t>(axis)] != 1; });
    if (ones) result.insert(result.end(), group.to.begin(), group.to.end());
  }
  for (size_t at = 0; at < essential.size();) {
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const AxisGroup& g) {
      return std::find(g.from.begin(), g.from.end(), essential[at]) != g.from.end();
    });
    for (int axis : group->from) {
      if (from[static_cast<size_t>(axis)] == 1) continue;
      if (at == essential.size() || essential[at] != axis) return std::nullopt;
      ++at;
    }
    result.insert(result.end(), group->to.begin(), group->to.end());
  }
  return result;
}

}  // namespace

void code_reshape(CodeContext& context) {
  const Dims from = context.dims(0);
  const Dims to = context.result_dims();
  Order order = plain_order(static_cast<int>(from.size()));
  Order result = plain_order(static_cast<int>(to.size()));
  const Order now = context.order_of(0, order);
  if (element_count(from) > 0) {
    if (const auto kept = order_after_reshape(from, now, to)) {
      order = now;
      result = *kept;
    }
  }
  code_same_bytes(context, order, result);
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
