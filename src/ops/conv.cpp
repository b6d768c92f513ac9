// Conv: y[n,m,o] = b[m] + sum over c, k of x[n, c, o * stride - pad + k * dilation] * w[m, c, k], in groups of
// channels. One to three spatial axes. Quantized: integers in and out, weights per output channel (axis 0), int32 bias.
#include <cmath>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/conv_infer.h"
#include "ops/element_types.h"
#include "ops/kernels/convolution.h"
#include "ops/kernels/depthwise.h"
#include "ops/linear/forms.h"
#include "ops/window.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"auto_pad", "NOTSET"},
                                        {"dilations", AttributeType::kInts},
                                        {"group", 1},
                                        {"kernel_shape", AttributeType::kInts},
                                        {"pads", AttributeType::kInts},
                                        {"strides", AttributeType::kInts}};

void infer(InferContext& context) {
  require_same_dtype(context, 1);
  require_same_dtype(context, 2);
  infer_convolution(context, {.x = 0, .w = 1, .bias = 2}, context.dtype(0));
}

Window window_of(const Node& node, std::span<const int64_t> x, std::span<const int64_t> w) {
  return read_window(node, w.subspan(2)).over(x.subspan(2));
}

template <typename T>
void run_reference(EvalContext& context) {
  const Dims& x_dims = context.input(0).dims();
  const Dims& w_dims = context.input(1).dims();
  const Window window = window_of(context.node(), x_dims, w_dims);
  const int64_t in_channels = w_dims[1];
  const int64_t per_group = w_dims[0] / int_attr(context.node(), "group");
  const T* w = context.in<T>(1).data();
  const T* bias = context.has_input(2) ? context.in<T>(2).data() : nullptr;
  T* y = context.out<T>(0).data();
  for (int64_t n = 0; n < x_dims[0]; ++n) {
    for (int64_t m = 0; m < w_dims[0]; ++m) {
      const T* x_group = context.in<T>(0).data() + (n * x_dims[1] + m / per_group * in_channels) * window.in_count();
      const T* w_channel = w + m * in_channels * window.taps();
      for_each_position(window, [&](const std::array<int64_t, 3>& at, int64_t /*flat*/) {
        T sum = bias != nullptr ? bias[m] : T{0};
        for (int64_t c = 0; c < in_channels; ++c) {
          for_each_tap(window, at, [&](int64_t tap, int64_t position) {
            sum = std::fma(x_group[c * window.in_count() + position], w_channel[c * window.taps() + tap], sum);
          });
        }
        *y++ = sum;
      });
    }
  }
}

void eval(EvalContext& context) {
  visit_type(FloatTypes(), context.input(0).dtype(),
             [&]<typename T>(std::type_identity<T> /*type*/) { run_reference<T>(context); });
}

kernels::Convolution::Operands operands_of(EvalContext& context, const float* weights, float low, float high,
                                           float* scratch) {
  return {.x = context.in<float>(0).data(),
          .weights = weights,
          .bias = context.has_input(2) ? context.in<float>(2).data() : nullptr,
          .low = low,
          .high = high,
          .y = context.out<float>(0).data(),
          .scratch = scratch};
}

// Float, one or two spatial axes, nothing empty: the planned kernel. Constant weights are packed here, others at each
// run.
Kernel prepare(const PrepareContext& context) {
  const Dims x = *context.inputs[0].shape.known_dims(), w = *context.inputs[1].shape.known_dims();
  const Window window = window_of(context.node, x, w);
  if (context.inputs[0].dtype != DataType::kFloat || x.size() > 4 || element_count(x) == 0 || element_count(w) == 0) {
    return {};
  }
  const kernels::ConvolutionDims dims{.samples = x[0],
                                      .channels = x[1],
                                      .out_channels = w[0],
                                      .groups = int_attr(context.node, "group"),
                                      .y = plane_axis(window.axes[1]),
                                      .x = plane_axis(window.axes[2])};
  if (auto depthwise = kernels::Depthwise3x3::plan(dims)) {
    return [plan = std::move(*depthwise), low = context.clamp_low, high = context.clamp_high](EvalContext& run) {
      plan.run(operands_of(run, run.in<float>(1).data(), low, high, nullptr));
    };
  }
  auto plan = kernels::Convolution::plan(dims);
  if (!plan) return {};
  Tensor packed;
  if (const Tensor* weights = context.constants[1]) {
    packed = Tensor::zeros(DataType::kFloat, {plan->packed_weight_size()});
    plan->pack_weights(weights->data<float>().data(), packed.mutable_data<float>().data());
  }
  return [plan = std::move(*plan), packed, low = context.clamp_low, high = context.clamp_high](EvalContext& run) {
    const int64_t weight_size = packed.defined() ? 0 : plan.packed_weight_size();
    float* scratch = run.scratch_floats(static_cast<size_t>(weight_size + plan.scratch_size()));
    if (!packed.defined()) plan.pack_weights(run.in<float>(1).data(), scratch);
    plan.run(
        operands_of(run, packed.defined() ? packed.data<float>().data() : scratch, low, high, scratch + weight_size));
  };
}

int64_t macs(const Node& /*node*/, std::span<const TensorType> inputs, std::span<const TensorType> outputs) {
  const Dims w = *inputs[1].shape.known_dims();
  return element_count(*outputs[0].shape.known_dims()) * (w[0] == 0 ? 0 : element_count(w) / w[0]);
}

int channel_axis(const Node& /*node*/, int /*operand*/, int /*rank*/) {
  return 0;
}

}  // namespace

extern const OpDef k_conv{
    .name = "Conv",
    .inputs = {2, 3},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .prepare = prepare,
    .macs = macs,
    .code = code_conv,
    .linear = linear_conv,
    .axes = conv_axes,
    .fuses_clamp = true,
    .quant = {.kind = QuantKind::kCompute,
              .data_inputs = 0b11,
              .weights = {1, -1},
              .bias = 2,
              .channel_axis = channel_axis,
              .scaling = Scaling::kLayer},
};

}  // namespace tinyc
