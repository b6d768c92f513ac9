// Pools, reductions and normalizations in float on a device.
#include <algorithm>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "ops/window.h"
#include "tinyc/base/error.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr KernelDef kPool = TINYC_KERNEL(tc_pool_f32, "pool_f32.h");
constexpr KernelDef kReduce = TINYC_KERNEL(tc_reduce_f32, "pool_f32.h");
constexpr KernelDef kSoftmax = TINYC_KERNEL(tc_softmax_f32, "normalize_f32.h");

// The axes in front and behind in memory order, and how many cells are reduced: [outer][cells][inner].
void call_reduce(CodeContext& context, const std::vector<bool>& reduced, int32_t function) {
  const Dims x = context.dims(0);
  const Dims y = context.result_dims();
  Order order = context.order_of(0, plain_order(static_cast<int>(x.size())));
  // What stays keeps the order of the result, which is plain; the reduced axes must lie together.
  Order kept;
  Order gone;
  for (int axis : plain_order(static_cast<int>(x.size()))) {
    (reduced[static_cast<size_t>(axis)] ? gone : kept).push_back(axis);
  }
  const auto is_kept = [&](int axis) { return !reduced[static_cast<size_t>(axis)]; };
  Order kept_now;
  std::copy_if(order.begin(), order.end(), std::back_inserter(kept_now), is_kept);
  const auto first = std::find_if_not(order.begin(), order.end(), is_kept);
  const auto last = std::find_if_not(order.rbegin(), order.rend(), is_kept).base();
  const bool together = first >= last || std::none_of(first, last, is_kept);
  if (kept_now != kept || !together) {
    order = gone;
    order.insert(order.end(), kept.begin(), kept.end());
  }
  const auto start = std::find_if_not(order.begin(), order.end(), is_kept);
  const auto extent = [&](auto from, auto to) {
    int64_t count = 1;
    for (auto it = from; it != to; ++it) count *= x[static_cast<size_t>(*it)];
    return count;
  };
  const auto end = start + static_cast<std::ptrdiff_t>(gone.size());
  const CallArg in = context.in_float(0, order);
  const CallArg out = context.out_float(plain_order(static_cast<int>(y.size())));
  context.call(kReduce, {in, out, context.number(extent(order.begin(), start)), context.number(extent(start, end)),
                         context.number(extent(end, order.end())), context.number(function)});
}

}  // namespace

void code_pool_f32(CodeContext& context, int32_t average) {
  const Dims x = context.dims(0);
  if (x.size() > 4) context.refuse("it has three spatial axes");
  if (x[0] != 1) context.refuse("it works on a batch");
  if (context.node().outputs.size() > 1 && context.node().outputs[1] != kNoValue) {
    context.refuse("it also gives indices");
  }
  const Window window = pool_window(context.node(), x);
  const WindowAxis& h = window.axes[1];
  const WindowAxis& w = window.axes[2];
  const Order order = channels_last(static_cast<int>(x.size()));
  const CallArg in = context.in_float(0, order);
  const CallArg out = context.out_float(order);
  const auto n = [&](int64_t value) { return context.number(value); };
  context.call(kPool, {in, out, n(h.in), n(w.in), n(x[1]), n(h.out), n(w.out), n(h.kernel), n(w.kernel), n(h.stride),
                       n(w.stride), n(h.pad_begin), n(w.pad_begin), n(h.dilation), n(w.dilation), n(average)});
}

void code_global_pool_f32(CodeContext& context, int32_t function) {
  std::vector<bool> reduced(context.dims(0).size(), true);
  reduced[0] = false;
  if (reduced.size() > 1) reduced[1] = false;
  call_reduce(context, reduced, function);
}

void code_reduce_f32(CodeContext& context, int32_t function) {
  const int rank = static_cast<int>(context.dims(0).size());
  const bool by_default = int_attr(context.node(), "noop_with_empty_axes") == 0;
  std::vector<bool> reduced(static_cast<size_t>(rank), false);
  std::vector<int64_t> axes;
  if (context.has_input(1)) {
    if (context.constant(1) == nullptr) context.refuse("its axes are computed");
    axes = context.constant(1)->to_int64();
  }
  for (int64_t axis : axes) reduced[static_cast<size_t>(normalize_axis(axis, rank))] = true;
  if (axes.empty() && by_default) reduced.assign(reduced.size(), true);
  call_reduce(context, reduced, function);
}

void code_softmax_f32(CodeContext& context, bool logarithm) {
  const Dims x = context.dims(0);
  const int rank = static_cast<int>(x.size());
  const int axis = normalize_axis(int_attr(context.node(), "axis"), rank);
  Order order = context.order_of(0, plain_order(rank));
  if (order.back() != axis) {
    order.erase(std::find(order.begin(), order.end(), axis));
    order.push_back(axis);
  }
  const int64_t count = x[static_cast<size_t>(axis)];
  const CallArg in = context.in_float(0, order);
  const CallArg out = context.out_float(order);
  context.call(kSoftmax, {in, out, context.number(element_count(x) / std::max<int64_t>(count, 1)),
                          context.number(count), context.number(logarithm ? 1 : 0)});
  context.overlap_same_start(out, in);
}

}  // namespace tinyc
