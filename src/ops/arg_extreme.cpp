// ArgMax, ArgMin: where along an axis the largest or smallest element is; of equal ones the first, or the last if
// select_last_index is set. Hardmax: 1 at the first largest element along an axis, 0 elsewhere.
#include "ops/axis_layout.h"
#include "ops/code/bindings.h"
#include "ops/common_infer.h"
#include "ops/elementwise.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axis", 0}, {"keepdims", 1}, {"select_last_index", 0}};

void infer(InferContext& context) {
  const Shape& shape = context.shape(0);
  if (!shape.ranked()) return context.set_output(0, DataType::kInt64, Shape::unranked());
  const int axis = normalize_axis(int_attr(context.node(), "axis"), shape.rank());
  if (shape[axis].known() && shape[axis].value == 0) context.fail_input(0, "has no elements along the axis");
  Shape result;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i != axis) {
      result.push_back(shape[i]);
    } else if (int_attr(context.node(), "keepdims") != 0) {
      result.push_back(Dim(1));
    }
  }
  context.set_output(0, DataType::kInt64, std::move(result));
}

// Index of the element of a line that `wins` against all others; against an equal one if `last`.
template <typename T, typename Wins>
int64_t arg_extreme(const T* x, int64_t count, int64_t step, bool last, Wins wins) {
  int64_t best = 0;
  for (int64_t k = 1; k < count; ++k) {
    const T challenger = x[k * step], holder = x[best * step];
    if (wins(challenger, holder) || (last && challenger == holder)) best = k;
  }
  return best;
}

template <auto kWins>
void eval_arg(EvalContext& context) {
  if (eval_in_float(context, eval_arg<kWins>)) return;
  const Tensor& input = context.input(0);
  const AxisLayout layout(input.dims(), normalize_axis(int_attr(context.node(), "axis"), input.rank()));
  const bool last = int_attr(context.node(), "select_last_index") != 0;
  const auto y = context.out<int64_t>(0);
  visit_type(NumericTypes(), input.dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T* x = context.in<T>(0).data();
    layout.for_each_line([&](int64_t line, int64_t start) {
      y[static_cast<size_t>(line)] = arg_extreme(x + start, layout.count, layout.inner, last, kWins);
    });
  });
}

constexpr auto kLarger = [](auto a, auto b) { return a > b; };
constexpr auto kSmaller = [](auto a, auto b) { return a < b; };
constexpr QuantTraits kIndex{.kind = QuantKind::kFloat, .why_float = "its result is an index"};

void infer_hardmax(InferContext& context) {
  if (context.shape(0).ranked()) {
    static_cast<void>(normalize_axis(int_attr(context.node(), "axis"), context.shape(0).rank()));
  }
  infer_same(context);
}

void eval_hardmax(EvalContext& context) {
  if (eval_in_float(context, eval_hardmax)) return;
  const Tensor& input = context.input(0);
  const AxisLayout layout(input.dims(), normalize_axis(int_attr(context.node(), "axis"), input.rank()));
  if (input.size() == 0) return;
  visit_type(FloatTypes(), input.dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T* x = context.in<T>(0).data();
    const auto y = context.out<T>(0);
    std::fill(y.begin(), y.end(), T{0});
    layout.for_each_line([&](int64_t /*line*/, int64_t start) {
      const int64_t best = arg_extreme(x + start, layout.count, layout.inner, false, kLarger);
      y[static_cast<size_t>(start + best * layout.inner)] = T{1};
    });
  });
}

constexpr AttributeDef kHardmaxAttributes[] = {{"axis", -1}};

}  // namespace

extern const OpDef k_arg_max{.name = "ArgMax",
                             .attributes = kAttributes,
                             .infer = infer,
                             .eval = eval_arg<kLarger>,
                             .code = code_arg_max,
                             .quant = kIndex};

extern const OpDef k_arg_min{.name = "ArgMin",
                             .attributes = kAttributes,
                             .infer = infer,
                             .eval = eval_arg<kSmaller>,
                             .code = code_arg_min,
                             .quant = kIndex};

extern const OpDef k_hardmax{
    .name = "Hardmax",
    .attributes = kHardmaxAttributes,
    .infer = infer_hardmax,
    .eval = eval_hardmax,
    .quant = {.kind = QuantKind::kFloat, .why_float = "its result is an index, as a vector"},
};

}  // namespace tinyc
