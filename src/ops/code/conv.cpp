// Conv and ConvTranspose on a device: depthwise, 1x1, and every other window, one or two spatial axes.
//
// A transposed convolution of stride s is s convolutions of stride 1 along each axis, one for each output place modulo
// s: an output sees those taps k for which place + pad - k * dilation is a multiple of s, from the last to the first,
// and they lie dilation / gcd(dilation, s) inputs apart. Each is a call of the kernel for windows with its own part of
// the weights; its pixels are then put between those of the others.
#include <algorithm>
#include <numeric>

#include "ops/code/bindings.h"
#include "ops/code/float_code.h"
#include "ops/code/geometry.h"
#include "ops/code/kernels.h"
#include "ops/code/product.h"
#include "ops/code/table.h"
#include "ops/window.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

constexpr KernelDef kConv = TINYC_KERNEL(tc_conv_s8, "conv_s8.h");
constexpr KernelDef kConvPacked = TINYC_KERNEL(tc_conv_packed_s8, "packed_s8.h");
constexpr KernelDef kConvCoded = TINYC_KERNEL(tc_conv_coded_s8, "coded_s8.h");
constexpr KernelDef kInterleave = TINYC_KERNEL(tc_interleave_s8, "move_s8.h");
constexpr KernelDef kDepthwise = TINYC_KERNEL(tc_depthwise_s8, "depthwise_s8.h");
constexpr KernelDef kDepthwise3x3 = TINYC_KERNEL(tc_depthwise3x3_s8, "depthwise3x3_s8.h");

WindowGeometry geometry_of(const CodeContext& context) {
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
int64_t distance(const WindowGeometry& g) {
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

void call_depthwise(CodeContext& context, const WindowGeometry& g, const ProductCode& product, const CallArg& in,
                    const CallArg& out, int64_t zero) {
  const auto n = [&](int64_t value) { return context.number(value); };
  const int64_t height = (g.h.out - 1) * g.h.stride + g.h.kernel;
  const int64_t width = (g.w.out - 1) * g.w.stride + g.w.kernel;
  const int64_t plane = 2 * (g.h.kernel * (g.w.kernel + 1) + height * (width + 1));
  const int64_t stride = g.h.stride;
  const int64_t small_plane = 64 + 2 * (stride * (g.h.out + 3) + 2) * (stride * (g.w.out + 3) + 2);
  const CallArg weights = unpacked_weights(context, product);
  const bool small = g.h.kernel == 3 && g.w.kernel == 3 && g.h.stride <= 2 && g.w.stride == g.h.stride;
  std::vector<CallArg> args = {in,
                               out,
                               context.scratch(small ? small_plane : plane),
                               weights,
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

// Height to dilation of the window, as the kernels take them; a block of channels of the result has a step of its own.
std::vector<CallArg> window_args(const CodeContext& context, const WindowGeometry& g) {
  std::vector<CallArg> args;
  for (const int64_t value : {g.h.in, g.w.in, g.in_c, g.h.out, g.w.out, g.out_c, g.h.kernel, g.w.kernel, g.h.stride,
                              g.w.stride, g.h.pad_begin, g.w.pad_begin, g.h.dilation, g.w.dilation}) {
    args.push_back(context.number(value));
  }
  return args;
}

// Rows of packed weights at a time, or 0: all at once. A result that is written channel by channel cannot lie over what
// is still read.
int64_t packed_rows(const WindowGeometry& g, const ProductCode& product) {
  if (!product.packed || g.groups != 1) return 0;
  const int64_t shared = std::min(g.h.in * g.w.in * g.in_c, g.h.out * g.w.out * g.out_c);
  return rows_at_a_time(*product.packed, shared, kManyPixels);
}

void call_window(CodeContext& context, const WindowGeometry& g, const ProductCode& product, const CallArg& in,
                 const CallArg& out, int64_t zero) {
  const auto n = [&](int64_t value) { return context.number(value); };
  const int64_t inputs = g.h.kernel * g.w.kernel * g.group_c;
  const int64_t staged = tc_block_bytes(static_cast<int32_t>(inputs)) + (inputs + 15) / 16 * 16;
  const std::vector<CallArg> shape = window_args(context, g);
  const std::vector<CallArg> grid = {n(zero), product.rounding, product.shift, product.low, product.high};
  std::vector<CallArg> args;
  const KernelDef* stream_kernel = stream_kernels(product).conv;
  if (g.groups == 1 && computes_with_stream(product, stream_kernel, g.h.out * g.w.out)) {
    args = shape;
    args.insert(args.end(), grid.begin(), grid.end());
    call_with_stream(context, *stream_kernel, product, g.h.out * g.w.out, {in, out, context.scratch(8 * inputs)}, args);
    return context.overlap_below(out, in, distance(g));
  }
  if (const int64_t rows = packed_rows(g, product); rows > 0) {
    args = shape;
    args.insert(args.end(), grid.begin(), grid.end());
    return call_in_blocks(context, {kConvPacked, kConvCoded}, product, in, out, staged, rows, args);
  }
  const CallArg weights = unpacked_weights(context, product);
  args = {in, out, context.scratch(staged), weights, product.channels};
  args.insert(args.end(), shape.begin(), shape.end());
  args.push_back(n(g.groups));
  args.insert(args.end(), grid.begin(), grid.end());
  context.call(kConv, std::move(args));
  if (g.groups == 1) context.overlap_below(out, in, distance(g));
}

// One of the convolutions along an axis that a transposed one is made of.
struct Phase {
  int64_t place = 0;          // of its first result
  WindowAxis axis;            // of the convolution
  std::vector<int64_t> taps;  // of the kernel, as the convolution has them; none: the result is the bias
};

// `adjoint` is the axis of the convolution whose adjoint this is: its input is our result.
std::vector<Phase> phases_of(const WindowAxis& adjoint) {
  std::vector<Phase> phases;
  for (int64_t place = 0; place < std::min(adjoint.stride, adjoint.in); ++place) {
    Phase phase{place, {}, {}};
    int64_t first = 0;  // input of the convolution's first tap for the first result
    for (int64_t k = adjoint.kernel; k-- > 0;) {
      const int64_t at = place + adjoint.pad_begin - k * adjoint.dilation;
      if (at % adjoint.stride != 0) continue;
      if (phase.taps.empty()) first = at / adjoint.stride;
      phase.taps.push_back(k);
    }
    phase.axis.in = adjoint.out;
    phase.axis.out = (adjoint.in - place + adjoint.stride - 1) / adjoint.stride;
    phase.axis.kernel = std::max<int64_t>(1, static_cast<int64_t>(phase.taps.size()));
    phase.axis.dilation = adjoint.dilation / std::gcd(adjoint.dilation, adjoint.stride);
    phase.axis.pad_begin = -first;
    phases.push_back(std::move(phase));
  }
  return phases;
}

// Weights are stored [in][out / groups][kernel of height][kernel of width].
void call_phase(CodeContext& context, const WindowGeometry& g, const Phase& row, const Phase& column, const Dims& w,
                const CallArg& in, const CallArg& out) {
  const int64_t group_out = w[1];
  const int64_t kernel_w = w.back();
  const int64_t kernel_h = w.size() == 4 ? w[2] : 1;
  const bool none = row.taps.empty() || column.taps.empty();
  const WeightMatrix matrix{.operand = 1,
                            .outputs = g.out_c,
                            .inputs = g.h.kernel * g.w.kernel * g.group_c,
                            .element =
                                [&](int64_t o, int64_t k) {
                                  if (none) return int64_t{-1};
                                  const int64_t tap = k / g.group_c;
                                  const int64_t ky = row.taps[static_cast<size_t>(tap / g.w.kernel)];
                                  const int64_t kx = column.taps[static_cast<size_t>(tap % g.w.kernel)];
                                  const int64_t c = o / group_out * g.group_c + k % g.group_c;
                                  return ((c * group_out + o % group_out) * kernel_h + ky) * kernel_w + kx;
                                },
                            .scale_period = group_out,
                            .taps = g.h.kernel * g.w.kernel};
  const ProductCode product = make_product(context, matrix, 2);
  if (product.left > 0) return call_left(context, g, product, in, out);
  call_window(context, g, product, in, out, context.grid(0).zero_point);
}

}  // namespace

void code_conv(CodeContext& context) {
  if (!all_integer(context, 1)) return code_conv_f32(context);
  const WindowGeometry g = geometry_of(context);
  const int64_t taps = g.h.kernel * g.w.kernel;
  // ONNX has a channel's taps together, the kernels a tap's channels.
  const auto element = [&](int64_t o, int64_t k) { return (o * g.group_c + k % g.group_c) * taps + k / g.group_c; };
  const WeightMatrix matrix{
      .operand = 1, .outputs = g.out_c, .inputs = taps * g.group_c, .element = element, .taps = taps};
  const ProductCode product = make_product(context, matrix, 2);
  const Order order = channels_last(static_cast<int>(context.dims(0).size()));
  const CallArg in = context.in(0, order);
  const CallArg out = context.out(order);
  const int64_t zero = context.grid(0).zero_point;
  if (product.left > 0) {
    call_left(context, g, product, in, out);
  } else if (g.is_row()) {
    call_rows(context, product, in, out, 1, matrix.inputs, g.out_c);
  } else if (g.is_pointwise()) {
    call_rows(context, product, in, out, g.h.in * g.w.in, g.in_c, g.out_c);
  } else if (g.is_depthwise()) {
    call_depthwise(context, g, product, in, out, zero);
  } else {
    call_window(context, g, product, in, out, zero);
  }
}

void code_conv_transpose(CodeContext& context) {
  if (!all_integer(context, 1)) context.refuse("there is no device kernel for this op in float");
  const Dims x = context.dims(0);
  const Dims w = context.dims(1);
  if (x.size() > 4) context.refuse("it has three spatial axes");
  if (x[0] != 1) context.refuse("it works on a batch of " + std::to_string(x[0]));
  const Window adjoint = transposed_window(context.node(), x, w);
  const int64_t groups = int_attr(context.node(), "group");
  const std::vector<Phase> rows = phases_of(adjoint.axes[1]);
  const std::vector<Phase> columns = phases_of(adjoint.axes[2]);
  const Order order = channels_last(static_cast<int>(x.size()));
  const CallArg in = context.in(0, order);
  const CallArg out = context.out(order);
  const bool whole = rows.size() == 1 && columns.size() == 1;
  for (const Phase& row : rows) {
    for (const Phase& column : columns) {
      const WindowGeometry g{row.axis, column.axis, x[1], w[1] * groups, groups, x[1] / groups};
      if (whole) {
        call_phase(context, g, row, column, w, in, out);
        continue;
      }
      const Temporary pixels = make_temporary(context, g.h.out * g.w.out * g.out_c);
      call_phase(context, g, row, column, w, in, pixels.write);
      const int64_t line = adjoint.axes[2].in * g.out_c;
      CallArg to = out;
      to.offset += row.place * line + column.place * g.out_c;
      context.call(kInterleave,
                   {pixels.read, to, context.number(g.h.out), context.number(g.w.out), context.number(g.out_c),
                    context.number(line * adjoint.axes[1].stride), context.number(g.out_c * adjoint.axes[2].stride)});
    }
  }
}

}  // namespace tinyc
