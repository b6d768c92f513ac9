// QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear: the borders between real and stored numbers. Scales are
// per tensor (one), per channel (a vector along `axis`) or blocked (one for each `block_size` neighbours along `axis`).
#include <algorithm>
#include <cmath>

#include "ops/affine.h"
#include "ops/cast.h"
#include "ops/common_infer.h"
#include "ops/float8.h"
#include "tinyc/ir/linear_quantization.h"

namespace tinyc {
namespace {

constexpr AttributeDef kQuantizeAttributes[] = {{"axis", 1}, {"block_size", 0}, {"output_dtype", 0}, {"saturate", 1}};
constexpr AttributeDef kDequantizeAttributes[] = {{"axis", 1}, {"block_size", 0}};

bool is_one_element(const Shape& shape) {
  return shape.rank() == 0 || (shape.rank() == 1 && shape[0].known() && shape[0].value == 1);
}

// Throws where the dims of the scale (operand 1) or the zero point (operand 2) do not fit operand 0.
void check_granularity(const InferContext& context) {
  const Shape& x = context.shape(0);
  const Shape& scale = context.shape(1);
  const int64_t block = int_attr(context.node(), "block_size");
  if (block < 0 || block > std::numeric_limits<int32_t>::max())
    throw Error(ErrorKind::kModel, "attribute 'block_size' is " + std::to_string(block));
  const bool one = scale.ranked() && is_one_element(scale) && is_one_element(context.shape(2));
  if (!one && context.has_input(2) && scale.known() && context.shape(2).known() && !(context.shape(2) == scale)) {
    context.fail_input(2, to_string(context.shape(2)) + " has not the dims of the scale, " + to_string(scale));
  }
  if (!x.ranked() || !scale.ranked() || is_one_element(scale)) return;
  const int axis = normalize_axis(int_attr(context.node(), "axis"), x.rank());
  if (block == 0) context.require_rank(1, 1);
  if (block != 0) context.require_rank(1, x.rank());
  for (int i = 0; i < scale.rank(); ++i) {
    const Dim& of_x = x[block == 0 ? axis : i];
    if (!of_x.known() || !scale[i].known()) continue;
    const int64_t expected = block != 0 && i == axis ? (of_x.value + block - 1) / block : of_x.value;
    if (scale[i].value != expected) context.fail_input(1, to_string(scale) + " does not fit " + to_string(x));
  }
}

// The scales as QParams of a storage type; the scales are not checked (see check_granularity).
QParams params_of(const EvalContext& context, DataType storage) {
  const Tensor& scale = context.input(1);
  QParams params;
  params.storage = storage;
  params.scales = scale.to_float();
  if (scale.size() != 1 || scale.rank() > 1) {
    params.axis = normalize_axis(int_attr(context.node(), "axis"), context.input(0).rank());
    params.block = static_cast<int>(int_attr(context.node(), "block_size"));
  }
  if (is_integer(storage) && bits_of(storage) <= 32) {
    params.q_min = static_cast<int32_t>(min_of(storage));
    params.q_max = static_cast<int32_t>(std::min<int64_t>(max_of(storage), std::numeric_limits<int32_t>::max()));
    params.zero_points.assign(params.scales.size(), 0);
    if (context.has_input(2)) {
      const std::vector<int64_t> zero_points = context.input(2).to_int64();
      std::transform(zero_points.begin(), zero_points.end(), params.zero_points.begin(),
                     [](int64_t zero_point) { return static_cast<int32_t>(zero_point); });
    }
  }
  return params;
}

DataType quantized_type(const InferContext& context) {
  const int64_t asked = int_attr(context.node(), "output_dtype");
  if (context.has_input(2)) return context.dtype(2);
  return asked == 0 ? DataType::kUint8 : static_cast<DataType>(asked);
}

void infer_quantize(InferContext& context) {
  check_granularity(context);
  context.set_output(0, quantized_type(context), context.shape(0));
}

// x / scale, then to the 8-bit float type; their zero point is zero.
Tensor quantize_to_float8(const EvalContext& context, DataType storage) {
  const Tensor x = cast(context.input(0), DataType::kFloat);
  const QParams params = params_of(context, storage);
  const ScaleIndex scale_of(params, x.dims());
  Tensor scaled = Tensor::zeros(DataType::kFloat, x.dims());
  const auto from = x.data<float>();
  const auto to = scaled.mutable_data<float>();
  for (size_t i = 0; i < from.size(); ++i) to[i] = from[i] / params.scales[scale_of(static_cast<int64_t>(i))];
  return cast(scaled, storage, int_attr(context.node(), "saturate") != 0);
}

void eval_quantize(EvalContext& context) {
  const DataType storage = context.output(0).dtype();
  if (is_float8(storage)) return context.set_output(0, quantize_to_float8(context, storage));
  context.set_output(0, quantize(cast(context.input(0), DataType::kFloat), params_of(context, storage)));
}

void infer_dequantize(InferContext& context) {
  check_granularity(context);
  context.set_output(0, context.dtype(1), context.shape(0));
}

// A scale of 0, as DynamicQuantizeLinear may be followed by, is welcome here: dequantize() would refuse it.
void eval_dequantize(EvalContext& context) {
  const Tensor& x = context.input(0);
  const QParams params = params_of(context, x.dtype());
  const ScaleIndex scale_of(params, x.dims());
  Tensor real = Tensor::zeros(DataType::kFloat, x.dims());
  const auto y = real.mutable_data<float>();
  if (is_float8(x.dtype())) {
    const Tensor values = cast(x, DataType::kFloat);
    const auto from = values.data<float>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = from[i] * params.scales[scale_of(static_cast<int64_t>(i))];
  } else {
    if (params.zero_points.empty()) throw Error(ErrorKind::kModel, "input 0 is " + std::string(name_of(x.dtype())));
    const std::vector<int64_t> from = x.to_int64();
    for (size_t i = 0; i < y.size(); ++i) {
      const size_t idx = scale_of(static_cast<int64_t>(i));
      y[i] = static_cast<float>(from[i] - params.zero_points[idx]) * params.scales[idx];
    }
  }
  context.set_output(0, cast(real, context.output(0).dtype()));
}

void infer_dynamic(InferContext& context) {
  require_dtype(context, 0, DataType::kFloat);
  context.set_output(0, DataType::kUint8, context.shape(0));
  context.set_output(1, DataType::kFloat, {});
  context.set_output(2, DataType::kUint8, {});
}

// uint8 over the range of the operand, which always includes 0.
void eval_dynamic(EvalContext& context) {
  const auto x = context.in<float>(0);
  float low = 0.0F, high = 0.0F;
  for (const float value : x) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const float scale = low == high ? 1.0F : (high - low) / 255.0F;
  const uint8_t zero_point = quantize_one<uint8_t>(-low / scale, 0);
  const auto y = context.out<uint8_t>(0);
  std::transform(x.begin(), x.end(), y.begin(),
                 [&](float value) { return quantize_one<uint8_t>(value / scale, zero_point); });
  if (context.has_output(1)) context.out<float>(1)[0] = scale;
  if (context.has_output(2)) context.out<uint8_t>(2)[0] = zero_point;
}

}  // namespace

extern const OpDef k_quantize_linear{.name = "QuantizeLinear",
                                     .inputs = {2, 3},
                                     .attributes = kQuantizeAttributes,
                                     .infer = infer_quantize,
                                     .eval = eval_quantize,
                                     .quant = kInteger};

extern const OpDef k_dequantize_linear{.name = "DequantizeLinear",
                                       .inputs = {2, 3},
                                       .attributes = kDequantizeAttributes,
                                       .infer = infer_dequantize,
                                       .eval = eval_dequantize,
                                       .quant = kInteger};

extern const OpDef k_dynamic_quantize_linear{.name = "DynamicQuantizeLinear",
                                             .outputs = {1, 3},
                                             .infer = infer_dynamic,
                                             .eval = eval_dynamic,
                                             .quant = kInteger};

}  // namespace tinyc
