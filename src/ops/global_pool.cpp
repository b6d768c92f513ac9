// GlobalAveragePool, GlobalMaxPool, GlobalLpPool: one number for each channel: the mean, the largest element, or the
// p-norm of its whole plane. [N, C, spatial...] becomes [N, C, 1...].
#include <algorithm>
#include <cmath>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/element_types.h"
#include "ops/kernels/elementwise.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

constexpr AttributeDef kLpAttributes[] = {{"p", 2}};

void infer(InferContext& context) {
  const Shape& x = context.shape(0);
  if (!x.ranked()) return context.set_output(0, context.dtype(0), Shape::unranked());
  if (x.rank() < 2) context.fail_input(0, "has rank " + std::to_string(x.rank()) + ", expected at least 2");
  Shape y{x[0], x[1]};
  for (int i = 2; i < x.rank(); ++i) y.push_back(Dim(1));
  context.set_output(0, context.dtype(0), std::move(y));
}

// Calls reduce(plane) for each channel of each sample.
template <typename Reduce>
void for_each_plane(EvalContext& context, Reduce reduce) {
  visit_type(FloatTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const auto y = context.out<T>(0);
    const auto x = context.in<T>(0);
    if (y.empty()) return;
    const size_t extent = x.size() / y.size();
    for (size_t i = 0; i < y.size(); ++i) y[i] = reduce(x.subspan(i * extent, extent));
  });
}

void eval_average(EvalContext& context) {
  if (context.input(0).dtype() == DataType::kFloat) {
    const auto x = context.in<float>(0);
    const auto y = context.out<float>(0);
    const size_t extent = y.empty() ? 0 : x.size() / y.size();
    for (size_t i = 0; i < y.size(); ++i) {
      y[i] = kernels::sum_of(x.data() + i * extent, static_cast<int64_t>(extent)) / static_cast<float>(extent);
    }
    return;
  }
  for_each_plane(context, []<typename T>(std::span<const T> plane) {
    T sum{0};
    for (const T element : plane) sum += element;
    return sum / static_cast<T>(plane.size());
  });
}

void eval_max(EvalContext& context) {
  if (context.input(0).size() == 0) throw Error(ErrorKind::kModel, "the largest of no elements is not defined");
  for_each_plane(context,
                 []<typename T>(std::span<const T> plane) { return *std::max_element(plane.begin(), plane.end()); });
}

void eval_lp(EvalContext& context) {
  const int64_t p = int_attr(context.node(), "p");
  for_each_plane(context, [p]<typename T>(std::span<const T> plane) {
    T sum{0};
    for (const T element : plane) sum += std::pow(std::abs(element), static_cast<T>(p));
    return std::pow(sum, T{1} / static_cast<T>(p));
  });
}

}  // namespace

extern const OpDef k_global_average_pool{
    .name = "GlobalAveragePool",
    .infer = infer,
    .eval = eval_average,
    .code = code_global_average_pool,
    .axes = plane_axes,
    .quant = {.kind = QuantKind::kCompute, .scaling = Scaling::kPool},
};

extern const OpDef k_global_max_pool{
    .name = "GlobalMaxPool",
    .infer = infer,
    .eval = eval_max,
    .code = code_global_max_pool,
    .axes = plane_axes,
    .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kPool},
};

extern const OpDef k_global_lp_pool{
    .name = "GlobalLpPool",
    .attributes = kLpAttributes,
    .infer = infer,
    .eval = eval_lp,
    .axes = plane_axes,
    .quant = {.kind = QuantKind::kFloat, .why_float = "powers and roots have no integer kernel"},
};

}  // namespace tinyc
