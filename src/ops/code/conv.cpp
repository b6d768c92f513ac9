// Conv on a device: depthwise, 1x1, and every other window, one or two spatial axes.
#include <algorithm>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/kernels.h"
#include "ops/code/product.h"
#include "ops/window.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

constexpr KernelDef kConv = TINYC_KERNEL(tc_conv_s8, "conv_s8.h");
constexpr KernelDef kDepthwise = TINYC_KERNEL(tc_depthwise_s8, "depthwise_s8.h");
constexpr KernelDef kDepthwise3x3 = TINYC_KERNEL(tc_depthwise3x3_s8, "depthwise3x3_s8.h");

struct Geometry {
  WindowAxis h, w;
  int64_t in_c, out_c, groups, group_c;

  bool is_pointwise() const {
    const auto plain = [](const WindowAxis& axis) {
      return axis.kernel == 1 && axis.stride == 1 && axis.pad_begin == 0 && axis.pad_end == 0;
    };
    return groups == 1 && plain(h) && plain(w);
  }
  bool is_depthwise() const { return groups == in_c && groups == out_c && h.dilation == 1 && w.dilation == 1; }
  bool is_row() const { return groups == 1 && h.out == 1 && w.out == 1 && covers(h) && covers(w); }
  static bool covers(const WindowAxis& axis) {
    return axis.kernel == axis.in && axis.pad_begin == 0 && axis.dilation == 1;
  }
};

Geometry geometry_of(const CodeContext& context) {
  const Dims x = context.dims(0);
  const Dims w = context.dims(1);
  if (x.size() > 4) context.refuse("it has three spatial axes");
  if (x[0] != 1) context.refuse("it works on a batch of " + std::to_string(x[0]));
  const std::span<const int64_t> spatial(x.begin() + 2, x.end());
  const Window window = read_window(context.node(), std::span(w).subspan(2)).over(spatial);
  return {window.axes[1], window.axes[2], x[1], w[0], int_attr(context.node(), "group"), w[1]};
}

// Bytes that the result must begin below its operand: outputs are written pixel by pixel upwards, and a pixel's window
// starts at its first tap inside the image.
int64_t distance(const Geometry& g) {
  int64_t most = 0;
  for (int64_t y = 0; y < g.h.out; ++y) {
    for (int64_t x = 0; x < g.w.out; ++x) {
      const int64_t written = (y * g.w.out + x) * g.out_c;
      const int64_t row = std::max<int64_t>(0, g.h.first(y));
      const int64_t column = std::max<int64_t>(0, g.w.first(x));
      most = std::max(most, written - (row * g.w.in + column) * g.in_c);
    }
  }
  return most;
}

void call_depthwise(CodeContext& context, const Geometry& g, const ProductCode& product, const CallArg& in,
                    const CallArg& out, int64_t zero) {
  const auto n = [&](int64_t value) { return context.number(value); };
  const int64_t height = (g.h.out - 1) * g.h.stride + g.h.kernel;
  const int64_t width = (g.w.out - 1) * g.w.stride + g.w.kernel;
  const int64_t plane = 2 * (g.h.kernel * (g.w.kernel + 1) + height * (width + 1));
  const int64_t stride = g.h.stride;
  const int64_t small_plane = 64 + 2 * (stride * (g.h.out + 3) + 2) * (stride * (g.w.out + 3) + 2);
  const bool small = g.h.kernel == 3 && g.w.kernel == 3 && g.h.stride <= 2 && g.w.stride == g.h.stride;
  std::vector<CallArg> args = {in,
                               out,
                               context.scratch(small ? small_plane : plane),
                               product.weights,
                               product.channels,
                               n(g.h.in),
                               n(g.w.in),
                               n(g.in_c),
                               n(g.h.out),
                               n(g.w.out)};
  if (!small) args.insert(args.end(), {n(g.h.kernel), n(g.w.kernel)});
  args.insert(args.end(), {n(g.h.stride), n(g.w.stride), n(g.h.pad_begin), n(g.w.pad_begin), n(zero), product.rounding,
                           product.shift, product.low, product.high});
  context.call(small ? kDepthwise3x3 : kDepthwise, std::move(args));
  context.overlap_same_start(out, in);
}

void call_window(CodeContext& context, const Geometry& g, const ProductCode& product, const CallArg& in,
                 const CallArg& out, int64_t zero) {
  const auto n = [&](int64_t value) { return context.number(value); };
  const int64_t inputs = g.h.kernel * g.w.kernel * g.group_c;
  const int64_t row = (inputs + 15) / 16 * 16;
  context.call(kConv, {in,
                       out,
                       context.scratch(tc_block_bytes(static_cast<int32_t>(inputs)) + row),
                       product.weights,
                       product.channels,
                       n(g.h.in),
                       n(g.w.in),
                       n(g.in_c),
                       n(g.h.out),
                       n(g.w.out),
                       n(g.out_c),
                       n(g.h.kernel),
                       n(g.w.kernel),
                       n(g.h.stride),
                       n(g.w.stride),
                       n(g.h.pad_begin),
                       n(g.w.pad_begin),
                       n(g.h.dilation),
                       n(g.w.dilation),
                       n(g.groups),
                       n(zero),
                       product.rounding,
                       product.shift,
                       product.low,
                       product.high});
  if (g.groups == 1) context.overlap_below(out, in, distance(g));
}

}  // namespace

void code_conv(CodeContext& context) {
  if (!all_integer(context, 1)) return code_conv_f32(context);
  const Geometry g = geometry_of(context);
  const int64_t taps = g.h.kernel * g.w.kernel;
  // ONNX has a channel's taps together, the kernels a tap's channels.
  const WeightMatrix matrix{
      .operand = 1, .outputs = g.out_c, .inputs = taps * g.group_c, .element = [&](int64_t o, int64_t k) {
        return (o * g.group_c + k % g.group_c) * taps + k / g.group_c;
      }};
  const ProductCode product = make_product(context, matrix, 2);
  const Order order = channels_last(static_cast<int>(context.dims(0).size()));
  const CallArg in = context.in(0, order);
  const CallArg out = context.out(order);
  const int64_t zero = context.grid(0).zero_point;
  if (g.is_row()) {
    call_rows(context, product, in, out, 1, matrix.inputs, g.out_c);
  } else if (g.is_pointwise()) {
    call_rows(context, product, in, out, g.h.in * g.w.in, g.in_c, g.out_c);
  } else if (g.is_depthwise()) {
    call_depthwise(context, g, product, in, out, zero);
  } else {
    call_window(context, g, product, in, out, zero);
  }
}

}  // namespace tinyc
