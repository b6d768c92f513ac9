// com.microsoft QLinearAveragePool, QLinearGlobalAveragePool and QLinearSoftmax: reductions over quantized elements, in
// the float32 arithmetic of onnxruntime's CPU kernels.
#include <algorithm>
#include <cmath>

#include "ops/affine.h"
#include "ops/axis_layout.h"
#include "ops/common_infer.h"
#include "ops/window.h"

namespace tinyc {
namespace {

using ByteTypes = TypeList<int8_t, uint8_t>;

void require_channels_first(const Node& node) {
  if (int_attr(node, "channels_last") == 0) return;
  throw Error(ErrorKind::kModel, "has its channels on the last axis, which is not supported",
              "export the model without onnxruntime's layout optimization");
}

constexpr AttributeDef kPoolAttributes[] = {{"auto_pad", "NOTSET"},
                                            {"ceil_mode", 0},
                                            {"channels_last", 0},
                                            {"count_include_pad", 0},
                                            {"dilations", AttributeType::kInts},
                                            {"kernel_shape", AttributeType::kInts},
                                            {"pads", AttributeType::kInts},
                                            {"strides", AttributeType::kInts}};

void infer_pool(InferContext& context) {
  require_operands(context, {0, 1, 3});
  require_channels_first(context.node());
  context.set_output(0, context.dtype(0), pooled_shape(context));
}

void eval_pool(EvalContext& context) {
  const Dims& dims = context.input(0).dims();
  const Window window = pool_window(context.node(), dims);
  const bool with_padding = int_attr(context.node(), "count_include_pad") != 0;
  const float x_scale = scale_operand(context, 1), y_scale = scale_operand(context, 3);
  const int32_t x_zero = zero_point_operand(context, 2), y_zero = zero_point_operand(context, 4);
  visit_type(ByteTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T* x = context.in<T>(0).data();
    T* y = context.out<T>(0).data();
    for (int64_t plane = 0; plane < dims[0] * dims[1]; ++plane, x += window.in_count()) {
      for_each_position(window, [&](const std::array<int64_t, 3>& at, int64_t /*flat*/) {
        float sum = 0.0F;
        int64_t count = 0;
        for_each_tap(window, at, [&](int64_t /*tap*/, int64_t position) {
          sum += x_scale * static_cast<float>(x[position] - x_zero);
          ++count;
        });
        if (with_padding) count = window.taps();
        const float mean = count == 0 ? 0.0F : sum / static_cast<float>(count);
        *y++ = quantize_one<T>(mean / y_scale, y_zero);
      });
    }
  });
}

constexpr AttributeDef kGlobalAttributes[] = {{"channels_last", 0}};

void infer_global(InferContext& context) {
  require_operands(context, {0, 1, 3});
  require_channels_first(context.node());
  const Shape& x = context.shape(0);
  if (!x.ranked()) return context.set_output(0, context.dtype(0), Shape::unranked());
  if (x.rank() < 3) context.fail_input(0, "has rank " + std::to_string(x.rank()) + ", expected 3 or more");
  Shape y{x[0], x[1]};
  for (int i = 2; i < x.rank(); ++i) y.push_back(Dim(1));
  context.set_output(0, context.dtype(0), std::move(y));
}

void eval_global(EvalContext& context) {
  const Tensor& x = context.input(0);
  const std::vector<int32_t> values =
      centered(x, context.has_input(2) ? along_axis(context.input(2), 1, x.rank()) : Tensor());
  const int64_t planes = x.dims()[0] * x.dims()[1];
  const int64_t size = planes == 0 ? 0 : x.size() / planes;
  std::vector<int32_t> sums(static_cast<size_t>(planes), 0);
  for (int64_t i = 0; i < x.size(); ++i) {
    int32_t& sum = sums[static_cast<size_t>(i / size)];
    sum = wrapping_multiply_add(1, sum, values[static_cast<size_t>(i)]);
  }
  const float multiplier = scale_operand(context, 1) / (scale_operand(context, 3) * static_cast<float>(size));
  requantize(sums, multiplier, zero_point_operand(context, 4), context.output(0), 0);
}

constexpr AttributeDef kSoftmaxAttributes[] = {{"axis", -1}, {"opset", 13}};

// Before opset 13 all axes from `axis` on are one.
AxisLayout softmax_layout(const Node& node, const Dims& dims) {
  const int rank = static_cast<int>(dims.size());
  const bool flat = int_attr(node, "opset") < 13;
  const int axis = normalize_axis(flat && !has_attr(node, "axis") ? 1 : int_attr(node, "axis"), rank);
  if (!flat) return {dims, axis};
  const Dims flattened{element_count(std::span(dims).first(static_cast<size_t>(axis))),
                       element_count(std::span(dims).subspan(static_cast<size_t>(axis)))};
  return {flattened, 1};
}

template <typename T>
void softmax_line(const T* x, T* y, const AxisLayout& layout, float x_scale, float steps_per_unit, int32_t y_zero) {
  int32_t largest = x[0];
  for (int64_t k = 1; k < layout.count; ++k) largest = std::max<int32_t>(largest, x[k * layout.inner]);
  const auto power = [&](int64_t k) {
    return static_cast<float>(std::exp(static_cast<double>(x[k * layout.inner] - largest) * x_scale));
  };
  float sum = 0.0F;
  for (int64_t k = 0; k < layout.count; ++k) sum += power(k);
  for (int64_t k = 0; k < layout.count; ++k) {
    y[k * layout.inner] = quantize_one<T>(power(k) * steps_per_unit / sum, y_zero);
  }
}

void eval_softmax(EvalContext& context) {
  if (context.input(0).size() == 0) return;
  const AxisLayout layout = softmax_layout(context.node(), context.input(0).dims());
  const float x_scale = scale_operand(context, 1);
  // A whole number, as in onnxruntime.
  const float steps_per_unit = std::floor(1.0F / scale_operand(context, 3));
  const int32_t y_zero = zero_point_operand(context, 4);
  visit_type(ByteTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T* x = context.in<T>(0).data();
    T* y = context.out<T>(0).data();
    layout.for_each_line([&](int64_t /*line*/, int64_t start) {
      softmax_line(x + start, y + start, layout, x_scale, steps_per_unit, y_zero);
    });
  });
}

void infer_softmax(InferContext& context) {
  require_operands(context, {0, 1, 3});
  if (context.shape(0).known() && context.shape(0).rank() > 0) {
    static_cast<void>(softmax_layout(context.node(), *context.shape(0).known_dims()));
  } else if (context.shape(0).ranked() && context.shape(0).rank() == 0) {
    context.fail_input(0, "is a scalar");
  }
  infer_same(context);
}

}  // namespace

extern const OpDef k_qlinear_average_pool{.name = "QLinearAveragePool",
                                          .domain = "com.microsoft",
                                          .inputs = {2, 5},
                                          .attributes = kPoolAttributes,
                                          .infer = infer_pool,
                                          .eval = eval_pool,
                                          .quant = kInteger};

extern const OpDef k_qlinear_global_average_pool{.name = "QLinearGlobalAveragePool",
                                                 .domain = "com.microsoft",
                                                 .inputs = {2, 5},
                                                 .attributes = kGlobalAttributes,
                                                 .infer = infer_global,
                                                 .eval = eval_global,
                                                 .quant = kInteger};

extern const OpDef k_qlinear_softmax{.name = "QLinearSoftmax",
                                     .domain = "com.microsoft",
                                     .inputs = {2, 5},
                                     .attributes = kSoftmaxAttributes,
                                     .infer = infer_softmax,
                                     .eval = eval_softmax,
                                     .quant = kInteger};

}  // namespace tinyc
