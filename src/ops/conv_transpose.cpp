// ConvTranspose: the adjoint of Conv: each input element adds its value times the kernel to the output window it stands
// for: y[n, m, i * stride - pad + k * dilation] += x[n, c, i] * w[c, m, k]. The geometry below is that of the Conv
// whose adjoint this is: its input is our output. Quantized: weights [in, out/group, k...], per output channel on
// axis 1.
#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/element_types.h"
#include "ops/kernels/transposed_convolution.h"
#include "ops/linear/forms.h"
#include "ops/window.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"auto_pad", "NOTSET"},
                                        {"dilations", AttributeType::kInts},
                                        {"group", 1},
                                        {"kernel_shape", AttributeType::kInts},
                                        {"output_padding", AttributeType::kInts},
                                        {"output_shape", AttributeType::kInts},
                                        {"pads", AttributeType::kInts},
                                        {"strides", AttributeType::kInts}};

int64_t list_element(const Node& node, std::string_view name, size_t idx, size_t count, int64_t absent) {
  const std::span<const int64_t> list = ints_attr(node, name);
  if (list.empty()) return absent;
  // output_shape may hold all dims or the spatial ones only.
  if (list.size() < count) {
    throw Error(ErrorKind::kModel, "attribute '" + std::string(name) + "' has " + std::to_string(list.size()) +
                                       " elements, expected " + std::to_string(count));
  }
  return list[list.size() - count + idx];
}

// One axis of the adjoint Conv: `out` is our input size, `in` our output size.
WindowAxis adjoint_axis(const Node& node, const WindowSpec& spec, size_t idx, int64_t in) {
  const size_t rank = spec.kernel.size();
  WindowAxis axis{.in = 0,
                  .out = in,
                  .kernel = spec.kernel[idx],
                  .stride = spec.strides[idx],
                  .dilation = spec.dilations[idx],
                  .pad_begin = spec.pads[idx],
                  .pad_end = spec.pads[idx + rank]};
  constexpr int64_t kMost = int64_t{1} << 38;  // of an extent; keeps sizes far from overflow
  const int64_t extra = list_element(node, "output_padding", idx, rank, 0);
  if (in > kMost || extra < 0 || extra > kMost) {
    throw Error(ErrorKind::kModel, "spatial axis " + std::to_string(idx) + " has " + std::to_string(in) +
                                       " elements and an output padding of " + std::to_string(extra));
  }
  const int64_t full = (in - 1) * axis.stride + extra + axis.extent();
  const bool same =
      spec.auto_pad == WindowSpec::AutoPad::kSameUpper || spec.auto_pad == WindowSpec::AutoPad::kSameLower;
  const int64_t wanted = list_element(node, "output_shape", idx, rank, same ? in * axis.stride : -1);
  if (wanted >= 0) {
    const int64_t total = std::max<int64_t>(0, full - wanted);
    axis.pad_begin = spec.auto_pad == WindowSpec::AutoPad::kSameUpper ? total / 2 : total - total / 2;
    axis.in = wanted;
  } else {
    axis.in = full - axis.pad_begin - axis.pad_end;
  }
  if (in < 1 || axis.in < 1 || axis.in > 2 * kMost) {
    throw Error(ErrorKind::kModel, "the output would have " + std::to_string(axis.in) +
                                       " elements along spatial axis " + std::to_string(idx));
  }
  return axis;
}

void infer(InferContext& context) {
  require_spatial(context, 0);
  require_spatial(context, 1);
  require_same_dtype(context, 1);
  require_same_dtype(context, 2);
  const Shape& x = context.shape(0);
  const Shape& w = context.shape(1);
  if (!x.ranked() || !w.ranked()) return context.set_output(0, context.dtype(0), Shape::unranked());
  context.require_rank(1, x.rank());
  const int64_t group = int_attr(context.node(), "group");
  if (group < 1) context.fail_input(1, "cannot be split into " + std::to_string(group) + " groups");
  if (x[1].known() && w[0].known() && (x[1].value != w[0].value || w[0].value % group != 0)) {
    context.fail_input(1, "has " + std::to_string(w[0].value) + " input channels in " + std::to_string(group) +
                              " groups, but operand 0 has " + std::to_string(x[1].value));
  }
  const Dim channels = w[1].known() ? Dim(element_count(Dims{w[1].value, group})) : Dim();
  if (context.has_input(2) && context.shape(2).ranked()) {
    context.require_rank(2, 1);
    if (!context.shape(2)[0].same_as(channels) && context.shape(2)[0].known() && channels.known()) {
      context.fail_input(2,
                         "does not have one element for each of the " + std::to_string(channels.value) + " channels");
    }
  }
  Shape y{x[0], channels};
  for (int i = 2; i < x.rank(); ++i) {
    if (!x[i].known() || !w.known()) {
      y.push_back(Dim());
      continue;
    }
    const Dims w_dims = *w.known_dims();
    const WindowSpec spec = read_window(context.node(), std::span<const int64_t>(w_dims).subspan(2));
    y.push_back(Dim(adjoint_axis(context.node(), spec, static_cast<size_t>(i - 2), x[i].value).in));
  }
  context.set_output(0, context.dtype(0), std::move(y));
}

}  // namespace

Window transposed_window(const Node& node, std::span<const int64_t> x, std::span<const int64_t> w) {
  const WindowSpec spec = read_window(node, w.subspan(2));
  Window window;
  const size_t rank = x.size() - 2;
  for (size_t i = 0; i < rank; ++i) window.axes[3 - rank + i] = adjoint_axis(node, spec, i, x[i + 2]);
  return window;
}

namespace {

template <typename T>
void run_reference(EvalContext& context) {
  const Dims& x_dims = context.input(0).dims();
  const Dims& w_dims = context.input(1).dims();
  const Window window = transposed_window(context.node(), x_dims, w_dims);
  const int64_t group = int_attr(context.node(), "group");
  const int64_t in_per_group = w_dims[0] / group;
  const int64_t out_per_group = w_dims[1];
  const T* bias = context.has_input(2) ? context.in<T>(2).data() : nullptr;
  const T* x = context.in<T>(0).data();
  const T* w = context.in<T>(1).data();
  T* y = context.out<T>(0).data();
  for (int64_t plane = 0; plane < x_dims[0] * group * out_per_group; ++plane, y += window.in_count()) {
    const int64_t m = plane % (group * out_per_group);
    const int64_t first_in = plane / (group * out_per_group) * w_dims[0] + m / out_per_group * in_per_group;
    std::fill_n(y, window.in_count(), bias != nullptr ? bias[m] : T{0});
    for (int64_t c = 0; c < in_per_group; ++c) {
      const T* x_plane = x + (first_in + c) * window.out_count();
      const T* w_taps =
          w + ((m / out_per_group * in_per_group + c) * out_per_group + m % out_per_group) * window.taps();
      for_each_position(window, [&](const std::array<int64_t, 3>& at, int64_t flat) {
        for_each_tap(window, at,
                     [&](int64_t tap, int64_t target) { y[target] = std::fma(x_plane[flat], w_taps[tap], y[target]); });
      });
    }
  }
}

void eval(EvalContext& context) {
  visit_type(FloatTypes(), context.input(0).dtype(),
             [&]<typename T>(std::type_identity<T> /*type*/) { run_reference<T>(context); });
}

// Floats, one or two spatial axes, nothing empty. Constant weights are packed here, others at each run.
Kernel prepare(const PrepareContext& context) {
  const Dims x = *context.inputs[0].shape.known_dims(), w = *context.inputs[1].shape.known_dims();
  if (context.inputs[0].dtype != DataType::kFloat || x.size() > 4 || element_count(x) == 0 || element_count(w) == 0) {
    return {};
  }
  const Window window = transposed_window(context.node, x, w);
  const int64_t group = int_attr(context.node, "group");
  auto plan = kernels::TransposedConvolution::plan({.samples = x[0],
                                                    .channels = x[1],
                                                    .out_channels = w[1] * group,
                                                    .groups = group,
                                                    .y = plane_axis(window.axes[1]),
                                                    .x = plane_axis(window.axes[2])});
  if (!plan) return {};
  std::vector<float> packed;
  if (const Tensor* weights = context.constants[1]) {
    packed.resize(static_cast<size_t>(plan->packed_weight_size()));
    plan->pack_weights(weights->data<float>().data(), packed.data());
  }
  return [plan = std::move(*plan), packed = std::move(packed), low = context.clamp_low,
          high = context.clamp_high](EvalContext& run) {
    const int64_t weight_size = packed.empty() ? plan.packed_weight_size() : 0;
    float* scratch = run.scratch_floats(static_cast<size_t>(weight_size + plan.scratch_size()));
    if (packed.empty()) plan.pack_weights(run.in<float>(1).data(), scratch);
    plan.run({.x = run.in<float>(0).data(),
              .weights = packed.empty() ? scratch : packed.data(),
              .bias = run.has_input(2) ? run.in<float>(2).data() : nullptr,
              .low = low,
              .high = high,
              .y = run.out<float>(0).data(),
              .scratch = scratch + weight_size});
  };
}

int64_t macs(const Node& /*node*/, std::span<const TensorType> inputs, std::span<const TensorType> /*outputs*/) {
  const Dims w = *inputs[1].shape.known_dims();
  return element_count(*inputs[0].shape.known_dims()) * (w[0] == 0 ? 0 : element_count(w) / w[0]);
}

int channel_axis(const Node& /*node*/, int /*operand*/, int /*rank*/) {
  return 1;
}

}  // namespace

extern const OpDef k_conv_transpose{
    .name = "ConvTranspose",
    .inputs = {2, 3},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .prepare = prepare,
    .macs = macs,
    .code = code_conv_transpose,
    .linear = linear_conv_transpose,
    .axes = conv_transpose_axes,
    .fuses_clamp = true,
    .quant = {.kind = QuantKind::kCompute,
              .data_inputs = 0b11,
              .weights = {1, -1},
              .bias = 2,
              .channel_axis = channel_axis,
              .scaling = Scaling::kLayer},
};

}  // namespace tinyc
