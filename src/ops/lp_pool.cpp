// LpPool: the p-norm of the elements under each window: (sum |x|^p)^(1/p).
#include <cmath>

#include "ops/common_axes.h"
#include "ops/element_types.h"
#include "ops/window.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"auto_pad", "NOTSET"},
                                        {"ceil_mode", 0},
                                        {"dilations", AttributeType::kInts},
                                        {"kernel_shape", AttributeType::kInts},
                                        {"p", 2},
                                        {"pads", AttributeType::kInts},
                                        {"strides", AttributeType::kInts}};

void infer(InferContext& context) {
  context.set_output(0, context.dtype(0), pooled_shape(context));
}

template <typename T>
void run_reference(EvalContext& context) {
  const Dims& dims = context.input(0).dims();
  const Window window = pool_window(context.node(), dims);
  const auto p = static_cast<T>(int_attr(context.node(), "p"));
  const T* x = context.in<T>(0).data();
  T* y = context.out<T>(0).data();
  for (int64_t plane = 0; plane < dims[0] * dims[1]; ++plane, x += window.in_count()) {
    for_each_position(window, [&](const std::array<int64_t, 3>& at, int64_t /*flat*/) {
      T sum{0};
      for_each_tap(window, at, [&](int64_t /*tap*/, int64_t position) { sum += std::pow(std::abs(x[position]), p); });
      *y++ = std::pow(sum, T{1} / p);
    });
  }
}

void eval(EvalContext& context) {
  visit_type(FloatTypes(), context.input(0).dtype(),
             [&]<typename T>(std::type_identity<T> /*type*/) { run_reference<T>(context); });
}

}  // namespace

extern const OpDef k_lp_pool{
    .name = "LpPool",
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .axes = plane_axes,
    .quant = {.kind = QuantKind::kFloat, .why_float = "powers and roots have no integer kernel"},
};

}  // namespace tinyc
