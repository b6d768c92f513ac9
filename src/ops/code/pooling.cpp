// Pools on a device.
#include <algorithm>
#include <vector>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "ops/code/requantize.h"
#include "ops/code/table.h"
#include "ops/window.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

constexpr KernelDef kMaxPool = TINYC_KERNEL(tc_max_pool_s8, "max_pool_s8.h");
constexpr KernelDef kAveragePool = TINYC_KERNEL(tc_average_pool_s8, "average_pool_s8.h");

// The kernel shifts its sums before it multiplies them.
constexpr double kSumFactor = 64;

void check(const CodeContext& context) {
  if (!context.is_integer(0) || !context.is_result_integer()) context.refuse("its data are not 8-bit integers");
  if (context.dims(0).size() > 4) context.refuse("it has three spatial axes");
  if (context.dims(0)[0] != 1) context.refuse("it works on a batch");
}

// The average over h rows of w cells; `counts_padding` divides by all cells of the kernel everywhere.
void call_average(CodeContext& context, const Order& order, const WindowAxis& h, const WindowAxis& w, int64_t channels,
                  bool counts_padding) {
  const Grid in = context.grid(0);
  const Grid out = context.result_grid();
  const int64_t cells = h.kernel * w.kernel;
  std::vector<double> ratios;
  for (int64_t count = 1; count <= cells; ++count) {
    ratios.push_back(static_cast<double>(in.scale) / static_cast<double>(out.scale) / kSumFactor /
                     static_cast<double>(counts_padding ? cells : count));
  }
  // Only counts that occur have to fit: an image without borders has one.
  const int64_t fewest = [&] {
    const auto least = [](const WindowAxis& axis) {
      const int64_t last = axis.first(axis.out - 1) + axis.kernel;
      return std::min({axis.kernel, axis.kernel - axis.pad_begin, axis.kernel - std::max<int64_t>(0, last - axis.in)});
    };
    return std::max<int64_t>(1, least(h)) * std::max<int64_t>(1, least(w));
  }();
  ratios.erase(ratios.begin(), ratios.begin() + fewest - 1);
  if (ratios[0] >= kMostRatio) return context.refuse("the grid of its result is finer than that of its sums");
  const Requantization r = requantize_by(ratios, out.zero_point);
  const auto n = [&](int64_t value) { return context.number(value); };
  const CallArg from = context.in(0, order);
  const CallArg to = context.out(order);
  context.call(kAveragePool, {from,
                              to,
                              context.data("multipliers", Tensor::of<int32_t>({cells - fewest + 1}, r.multipliers)),
                              n(fewest),
                              n(h.in),
                              n(w.in),
                              n(channels),
                              n(h.out),
                              n(w.out),
                              n(h.kernel),
                              n(w.kernel),
                              n(h.stride),
                              n(w.stride),
                              n(h.pad_begin),
                              n(w.pad_begin),
                              n(in.zero_point),
                              n(r.rounding),
                              n(r.shift),
                              n(out.low),
                              n(out.high)});
  if (w.out <= w.in) context.overlap_below(to, from, (h.pad_begin * w.in + w.pad_begin) * channels);
}

}  // namespace

void code_max_pool(CodeContext& context) {
  if (!all_integer(context, 1)) return code_pool_f32(context, 0);
  check(context);
  if (context.node().outputs.size() > 1 && context.node().outputs[1] != kNoValue) {
    context.refuse("it also gives indices");
  }
  const Dims x = context.dims(0);
  const Window window = pool_window(context.node(), x);
  const WindowAxis& h = window.axes[1];
  const WindowAxis& w = window.axes[2];
  const Grid out = context.result_grid();
  const Order order = channels_last(static_cast<int>(x.size()));
  const auto n = [&](int64_t value) { return context.number(value); };
  const bool clamps = has_scale_of_result(context, 0);  // the kernel has limits of its own
  const CallArg from = clamps ? context.in(0, order) : in_on_result_grid(context, 0, order);
  const CallArg to = context.out(order);
  context.call(kMaxPool,
               {from, to, n(h.in), n(w.in), n(x[1]), n(h.out), n(w.out), n(h.kernel), n(w.kernel), n(h.stride),
                n(w.stride), n(h.pad_begin), n(w.pad_begin), n(h.dilation), n(w.dilation), n(out.low), n(out.high)});
  if (w.out <= w.in) context.overlap_below(to, from, (h.pad_begin * w.in + w.pad_begin) * x[1]);
}

void code_average_pool(CodeContext& context) {
  if (!all_integer(context, 1)) {
    return code_pool_f32(context, int_attr(context.node(), "count_include_pad") != 0 ? 2 : 1);
  }
  check(context);
  const Dims x = context.dims(0);
  const Window window = pool_window(context.node(), x);
  if (window.axes[1].dilation != 1 || window.axes[2].dilation != 1) context.refuse("its window has holes");
  call_average(context, channels_last(static_cast<int>(x.size())), window.axes[1], window.axes[2], x[1],
               int_attr(context.node(), "count_include_pad") != 0);
}

}  // namespace tinyc
