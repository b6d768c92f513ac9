#include "ops/code/product.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "ops/code/kernels.h"
#include "ops/code/requantize.h"
#include "tinyc/base/error.h"

namespace tinyc {
namespace {

constexpr KernelDef kPointwise = TINYC_KERNEL(tc_pointwise_s8, "pointwise_s8.h");
constexpr KernelDef kConvLeft = TINYC_KERNEL(tc_conv_left_s8, "conv_left_s8.h");
constexpr KernelDef kDense = TINYC_KERNEL(tc_dense_s8, "dense_s8.h");

// A dense layer widens its input in scratch when it is no longer than this; longer rows are widened as they are used.
constexpr int64_t kMostWidened = 256;

// The bias of each output in steps of s_in * s_w.
std::vector<int64_t> read_bias(const CodeContext& context, int operand, std::span<const double> steps) {
  std::vector<int64_t> bias(steps.size(), 0);
  if (!context.has_input(operand)) return bias;
  const Tensor* tensor = context.constant(operand);
  if (tensor == nullptr) context.refuse("its bias is computed");
  const int64_t size = tensor->size();
  if (size != 1 && std::cmp_not_equal(size, steps.size())) context.refuse("its bias has another size than its result");
  const auto idx = [&](size_t o) { return size == 1 ? 0 : o; };
  if (const QParams* params = context.params(operand); params != nullptr && tensor->dtype() == params->storage) {
    const std::vector<int64_t> stored = tensor->to_int64();
    for (size_t o = 0; o < steps.size(); ++o) {
      const double scale = params->scales[params->scales.size() == 1 ? 0 : o];
      const int64_t zero_point = params->zero_points[params->zero_points.size() == 1 ? 0 : o];
      const auto integer = static_cast<double>(stored[idx(o)] - zero_point);
      // Scales agree up to the rounding of their product to float.
      bias[o] = std::abs(scale / steps[o] - 1) < 1e-5 ? stored[idx(o)] - zero_point
                                                      : std::llround(integer * scale / steps[o]);
    }
    return bias;
  }
  const std::vector<float> real = tensor->to_float();
  for (size_t o = 0; o < steps.size(); ++o) bias[o] = std::llround(static_cast<double>(real[idx(o)]) / steps[o]);
  return bias;
}

struct StoredWeights {
  std::vector<int64_t> values;
  const QParams* params = nullptr;
  int64_t period = 0;
  size_t scale_idx(int64_t output) const {
    return params->scales.size() == 1 ? 0 : static_cast<size_t>(output % period);
  }
};

StoredWeights read_weights(const CodeContext& context, const WeightMatrix& matrix) {
  const Tensor* tensor = context.constant(matrix.operand);
  const QParams* params = context.params(matrix.operand);
  if (tensor == nullptr) context.refuse("its weights are computed");
  if (params == nullptr || tensor->dtype() != params->storage) context.refuse("its weights are not stored as integers");
  if (params->block != 0) context.refuse("its weights have scales for blocks of inputs");
  const int64_t period = matrix.scale_period == 0 ? matrix.outputs : matrix.scale_period;
  if (params->scales.size() != 1 && std::cmp_not_equal(params->scales.size(), period)) {
    context.refuse("its weights have scales along another axis than that of the output channels");
  }
  return {tensor->to_int64(), params, period};
}

// Rows of int8, and the sum and the sum of magnitudes of each.
struct Rows {
  std::vector<int8_t> bytes;
  std::vector<int64_t> sums, magnitudes;
};

Rows make_rows(const CodeContext& context, const WeightMatrix& matrix, const StoredWeights& weights) {
  const int64_t stride = (matrix.inputs + 3) / 4 * 4;
  Rows rows;
  rows.bytes.assign(static_cast<size_t>(matrix.outputs * stride), 0);
  for (int64_t o = 0; o < matrix.outputs; ++o) {
    const int64_t zero_point = weights.params->zero_points[weights.scale_idx(o)];
    int64_t sum = 0;
    int64_t magnitude = 0;
    for (int64_t k = 0; k < matrix.inputs; ++k) {
      const int64_t element = matrix.element(o, k);
      if (element < 0) continue;
      const int64_t w = weights.values[static_cast<size_t>(element)] - zero_point;
      if (w < -128 || w > 127) context.refuse("its weights less their zero point do not fit 8 bits");
      rows.bytes[static_cast<size_t>(o * stride + k)] = static_cast<int8_t>(w);
      sum += w;
      magnitude += std::abs(w);
    }
    rows.sums.push_back(sum);
    rows.magnitudes.push_back(magnitude);
  }
  return rows;
}

}  // namespace

ProductCode make_product(CodeContext& context, const WeightMatrix& matrix, int bias) {
  if (!context.is_integer(0) || !context.is_result_integer()) context.refuse("its data are not 8-bit integers");
  const Grid in = context.grid(0);
  const Grid out = context.result_grid();
  const StoredWeights weights = read_weights(context, matrix);
  const Rows rows = make_rows(context, matrix, weights);
  std::vector<double> steps;
  std::vector<double> ratios;
  for (int64_t o = 0; o < matrix.outputs; ++o) {
    const double step =
        static_cast<double>(in.scale) * static_cast<double>(weights.params->scales[weights.scale_idx(o)]);
    steps.push_back(step);
    ratios.push_back(step / static_cast<double>(out.scale));
  }
  const int left = shift_below(ratios);
  const Requantization requantization = requantize_by(ratios, out.zero_point);
  const std::vector<int64_t> biases = read_bias(context, bias, steps);
  std::vector<int32_t> channels;
  for (size_t o = 0; o < biases.size(); ++o) {
    const int64_t folded = biases[o] - in.zero_point * rows.sums[o];
    if (std::abs(folded) + 128 * rows.magnitudes[o] > std::numeric_limits<int32_t>::max()) {
      context.refuse("its sums do not fit 32 bits");
    }
    // What the shift to the left cuts off is beyond int8: |q - zero_point| <= 255.
    const int32_t most = std::numeric_limits<int32_t>::max() >> left;
    if (left > 0 && std::ldexp(most * ratios[o], left) < 256) {
      context.refuse("the grid of its result is too fine for its products");
    }
    channels.push_back(static_cast<int32_t>(folded));
    channels.push_back(requantization.multipliers[o]);
  }
  const auto size = static_cast<int64_t>(rows.bytes.size());
  const auto count = static_cast<int64_t>(channels.size());
  return {.weights = context.data("weights", Tensor::of<int8_t>({size}, rows.bytes)),
          .channels = context.data("channels", Tensor::of<int32_t>({count}, channels)),
          .rounding = context.number(requantization.rounding),
          .shift = context.number(requantization.shift),
          .low = context.number(out.low),
          .high = context.number(out.high),
          .left = left};
}

void call_left(CodeContext& context, const WindowGeometry& g, const ProductCode& product, const CallArg& in,
               const CallArg& out) {
  const auto n = [&](int64_t value) { return context.number(value); };
  context.call(kConvLeft, {in,
                           out,
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
                           n(context.grid(0).zero_point),
                           n(product.left),
                           product.rounding,
                           product.shift,
                           product.low,
                           product.high});
}

void call_rows(CodeContext& context, const ProductCode& product, const CallArg& in, const CallArg& out, int64_t rows,
               int64_t inputs, int64_t outputs) {
  const auto n = [&](int64_t value) { return context.number(value); };
  if (product.left > 0) {
    const WindowGeometry g{{}, {.in = rows, .out = rows}, inputs, outputs, 1, inputs};
    return call_left(context, g, product, in, out);
  }
  if (rows == 1) {
    const CallArg scratch = context.scratch(inputs <= kMostWidened ? 2 * ((inputs + 15) / 16 * 16) : 0);
    context.call(kDense, {in, out, scratch, product.weights, product.channels, n(inputs), n(outputs), product.rounding,
                          product.shift, product.low, product.high});
    return;
  }
  const CallArg scratch = context.scratch(tc_block_bytes(static_cast<int32_t>(inputs)));
  context.call(kPointwise, {in, out, scratch, product.weights, product.channels, n(rows), n(inputs), n(outputs),
                            product.rounding, product.shift, product.low, product.high});
  context.overlap_below(out, in, std::max<int64_t>(0, rows * (outputs - inputs)));
}

}  // namespace tinyc
