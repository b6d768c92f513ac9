// CumSum: running sums along an axis; `exclusive` leaves out the element itself, `reverse` starts from the end.
// Floats are summed in double, so that long axes do not drift.
#include "ops/axis_layout.h"
#include "ops/common_infer.h"
#include "ops/elementwise.h"
#include "ops/infer_util.h"
#include "ops/scalar_operand.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"exclusive", 0}, {"reverse", 0}};

using SumTypes = TypeList<float, double, int32_t, int64_t, uint32_t, uint64_t>;

void infer(InferContext& context) {
  const auto axis = known_scalar(context, 1);
  if (axis && context.shape(0).ranked()) static_cast<void>(normalize_axis(*axis, context.shape(0).rank()));
  infer_same(context);
}

// x and y step through one line in the order of summation.
template <typename T>
void sum_line(const T* x, T* y, int64_t count, int64_t step, bool exclusive) {
  std::conditional_t<std::is_floating_point_v<T>, double, uint64_t> sum{0};
  for (int64_t k = 0; k < count; ++k) {
    const T value = x[k * step];
    if (exclusive) y[k * step] = static_cast<T>(sum);
    sum += static_cast<decltype(sum)>(value);
    if (!exclusive) y[k * step] = static_cast<T>(sum);
  }
}

void eval(EvalContext& context) {
  if (eval_in_float(context, eval)) return;
  const Tensor& input = context.input(0);
  const AxisLayout layout(input.dims(), normalize_axis(scalar_operand(context, 1), input.rank()));
  const bool exclusive = int_attr(context.node(), "exclusive") != 0;
  const bool reverse = int_attr(context.node(), "reverse") != 0;
  if (input.size() == 0) return;
  const int64_t step = reverse ? -layout.inner : layout.inner;
  const int64_t first = reverse ? (layout.count - 1) * layout.inner : 0;
  visit_type(SumTypes(), input.dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T* x = context.in<T>(0).data();
    T* y = context.out<T>(0).data();
    layout.for_each_line([&](int64_t /*line*/, int64_t start) {
      sum_line(x + start + first, y + start + first, layout.count, step, exclusive);
    });
  });
}

}  // namespace

extern const OpDef k_cum_sum{
    .name = "CumSum",
    .inputs = {2, 2},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.kind = QuantKind::kFloat, .why_float = "a running sum adds up the rounding of its operand"},
};

}  // namespace tinyc
