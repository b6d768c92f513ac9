// Softmax: y = exp(x - max) / sum exp(x - max) along one axis; LogSoftmax: its logarithm, x - max - log sum.
// Subtracting the largest element keeps the exponents at or below zero. Quantized: Softmax in integers, output scale
// 1/256.
#include <algorithm>
#include <cmath>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/element_types.h"
#include "ops/kernels/elementwise.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axis", -1}};

void infer(InferContext& context) {
  const Shape& x = context.shape(0);
  if (x.ranked() && x.rank() > 0) static_cast<void>(normalize_axis(int_attr(context.node(), "axis"), x.rank()));
  infer_same(context);
}

// How the axis lies in memory: `outer` blocks of `count` elements, `inner` apart.
struct AxisLayout {
  int64_t outer = 1, count = 1, inner = 1;
};

AxisLayout layout_of(const Node& node, std::span<const int64_t> dims) {
  AxisLayout layout;
  if (dims.empty()) return layout;
  const auto axis = static_cast<size_t>(normalize_axis(int_attr(node, "axis"), static_cast<int>(dims.size())));
  layout.outer = element_count(dims.first(axis));
  layout.count = dims[axis];
  layout.inner = element_count(dims.subspan(axis + 1));
  return layout;
}

template <typename T>
void softmax_line(const T* x, T* y, int64_t count, int64_t step, bool logarithm) {
  T largest = x[0];
  for (int64_t i = 1; i < count; ++i) largest = std::max(largest, x[i * step]);
  T sum{0};
  for (int64_t i = 0; i < count; ++i) {
    const T e = std::exp(x[i * step] - largest);
    sum += e;
    y[i * step] = logarithm ? x[i * step] - largest : e;
  }
  const T log_sum = std::log(sum);
  for (int64_t i = 0; i < count; ++i) y[i * step] = logarithm ? y[i * step] - log_sum : y[i * step] / sum;
}

void eval_softmax(EvalContext& context, bool logarithm) {
  const AxisLayout layout = layout_of(context.node(), context.input(0).dims());
  if (context.input(0).size() == 0) return;
  if (context.input(0).dtype() == DataType::kFloat) {
    for (int64_t o = 0; o < layout.outer; ++o) {
      const int64_t start = o * layout.count * layout.inner;
      kernels::softmax(context.in<float>(0).data() + start, layout.count, layout.inner, layout.inner, logarithm,
                       context.out<float>(0).data() + start);
    }
    return;
  }
  visit_type(FloatTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T* x = context.in<T>(0).data();
    T* y = context.out<T>(0).data();
    for (int64_t o = 0; o < layout.outer; ++o) {
      for (int64_t i = 0; i < layout.inner; ++i) {
        const int64_t start = o * layout.count * layout.inner + i;
        softmax_line(x + start, y + start, layout.count, layout.inner, logarithm);
      }
    }
  });
}

void eval_plain(EvalContext& context) {
  eval_softmax(context, false);
}
void eval_log(EvalContext& context) {
  eval_softmax(context, true);
}

std::optional<NodeAxes> axes(const AxesContext& c) {
  if (!c.has(0) || c.in(0).rank() == 0) return std::nullopt;
  const int axis = normalize_axis(int_attr(c.node, "axis"), c.in(0).rank());
  return mixing_axes(c, axis, axis + 1);
}

}  // namespace

extern const OpDef k_softmax{
    .name = "Softmax",
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval_plain,
    .code = code_softmax,
    .axes = axes,
    .quant = {.kind = QuantKind::kFixedRange, .low = 0.0F, .high = 1.0F},
};

extern const OpDef k_log_softmax{
    .name = "LogSoftmax",
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval_log,
    .code = code_log_softmax,
    .axes = axes,
    .quant = {.kind = QuantKind::kFloat, .why_float = "its output has no lower bound that 8 bits could span"},
};

}  // namespace tinyc
