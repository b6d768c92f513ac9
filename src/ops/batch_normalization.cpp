// BatchNormalization: y = (x - mean) / sqrt(var + epsilon) * scale + bias, per channel (axis 1). At inference mean and
// var are operands 3 and 4. In training mode they are those of the batch, and outputs 1 and 2 are the running ones.
#include <cmath>
#include <vector>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/element_types.h"
#include "ops/kernels/elementwise.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"epsilon", 1e-5F}, {"momentum", 0.9F}, {"training_mode", 0}};

void infer(InferContext& context) {
  const Shape& x = context.shape(0);
  if (x.ranked() && x.rank() < 1) context.fail_input(0, "is a scalar");
  const Dim channels = x.ranked() ? (x.rank() > 1 ? x[1] : Dim(1)) : Dim();
  for (int i = 1; i < 5; ++i) {
    context.require_rank(i, 1);
    require_same_dtype(context, i);
    const Shape& operand = context.shape(i);
    if (operand.ranked() && operand[0].known() && channels.known() && operand[0].value != channels.value) {
      context.fail_input(i, "has " + std::to_string(operand[0].value) + " elements, but operand 0 has " +
                                std::to_string(channels.value) + " channels");
    }
  }
  context.set_output(0, context.dtype(0), x);
  for (int i = 1; i < context.output_count() && i < 3; ++i) {
    context.set_output(i, context.dtype(i + 2), context.shape(i + 2));
  }
}

template <typename T>
struct Moments {
  std::vector<T> mean;
  std::vector<T> var;
};

template <typename T>
Moments<T> batch_moments(std::span<const T> x, size_t samples, size_t channels, size_t extent) {
  Moments<T> moments{std::vector<T>(channels), std::vector<T>(channels)};
  const auto count = static_cast<T>(samples * extent);
  for (size_t c = 0; c < channels; ++c) {
    const auto sum_over = [&](auto term) {
      T sum{0};
      for (size_t n = 0; n < samples; ++n) {
        for (const T element : x.subspan((n * channels + c) * extent, extent)) sum += term(element);
      }
      return sum;
    };
    const T mean = sum_over([](T element) { return element; }) / count;
    moments.mean[c] = mean;
    moments.var[c] = sum_over([mean](T element) { return (element - mean) * (element - mean); }) / count;
  }
  return moments;
}

template <typename T>
void run_reference(EvalContext& context) {
  const Dims& dims = context.input(0).dims();
  const auto samples = static_cast<size_t>(dims[0]);
  const size_t channels = dims.size() > 1 ? static_cast<size_t>(dims[1]) : 1;
  if (context.input(0).size() == 0) return;
  const size_t extent = static_cast<size_t>(context.input(0).size()) / (samples * channels);
  const auto x = context.in<T>(0), scale = context.in<T>(1), bias = context.in<T>(2);
  std::span<const T> mean = context.in<T>(3), var = context.in<T>(4);
  Moments<T> moments;
  if (int_attr(context.node(), "training_mode") != 0) {
    moments = batch_moments(x, samples, channels, extent);
    const auto momentum = static_cast<T>(float_attr(context.node(), "momentum"));
    const auto run_on = [&](int idx, std::span<const T> before, std::span<const T> now) {
      if (!context.has_output(idx)) return;
      const auto out = context.out<T>(idx);
      for (size_t c = 0; c < channels; ++c) out[c] = before[c] * momentum + now[c] * (T{1} - momentum);
    };
    run_on(1, mean, moments.mean);
    run_on(2, var, moments.var);
    mean = moments.mean;
    var = moments.var;
  }
  const auto epsilon = static_cast<T>(float_attr(context.node(), "epsilon"));
  const auto y = context.out<T>(0);
  for (size_t plane = 0; plane < samples * channels; ++plane) {
    const size_t c = plane % channels;
    const T factor = scale[c] / std::sqrt(var[c] + epsilon);
    for (size_t i = plane * extent; i < (plane + 1) * extent; ++i) y[i] = std::fma(x[i] - mean[c], factor, bias[c]);
  }
}

void eval(EvalContext& context) {
  visit_type(FloatTypes(), context.input(0).dtype(),
             [&]<typename T>(std::type_identity<T> /*type*/) { run_reference<T>(context); });
}

// Inference on floats: a line for each plane.
Kernel prepare(const PrepareContext& context) {
  const Dims dims = *context.inputs[0].shape.known_dims();
  if (context.inputs[0].dtype != DataType::kFloat || context.inputs[3].dtype != DataType::kFloat ||
      int_attr(context.node, "training_mode") != 0 || element_count(dims) == 0) {
    return {};
  }
  const int64_t channels = dims.size() > 1 ? dims[1] : 1;
  const int64_t planes = dims[0] * channels, extent = element_count(dims) / planes;
  const float epsilon = float_attr(context.node, "epsilon");
  return [=, low = context.clamp_low, high = context.clamp_high](EvalContext& run) {
    const auto scale = run.in<float>(1), bias = run.in<float>(2), mean = run.in<float>(3), var = run.in<float>(4);
    for (int64_t plane = 0; plane < planes; ++plane) {
      const auto c = static_cast<size_t>(plane % channels);
      kernels::normalize(run.in<float>(0).data() + plane * extent, extent, mean[c],
                         scale[c] / std::sqrt(var[c] + epsilon), bias[c], low, high,
                         run.out<float>(0).data() + plane * extent);
    }
  };
}

}  // namespace

extern const OpDef k_batch_normalization{
    .name = "BatchNormalization",
    .inputs = {5, 5},
    .outputs = {1, 3},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .prepare = prepare,
    .code = code_batch_normalization,
    .axes = channel_axes,
    .fuses_clamp = true,
    .quant = {.kind = QuantKind::kFloat, .why_float = "it follows no convolution that it could be folded into"},
};

}  // namespace tinyc
