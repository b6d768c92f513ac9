// Range: start, start + delta, ... up to but not including limit.
#include <cmath>

#include "ops/elementwise.h"
#include "ops/infer_util.h"

namespace tinyc {
namespace {

using RangeTypes = TypeList<float, double, int16_t, int32_t, int64_t>;

template <typename T>
T scalar(const Tensor& tensor) {
  if (tensor.size() != 1) throw Error(ErrorKind::kModel, "a bound has dims " + to_string(tensor.dims()));
  return tensor.data<T>()[0];
}

// ceil((limit - start) / delta), at least 0.
template <typename T>
int64_t count_of(T start, T limit, T delta) {
  if (delta == T{0}) throw Error(ErrorKind::kModel, "the step is zero");
  if ((delta > T{0}) != (limit > start) || !(limit != start)) return 0;
  if constexpr (std::is_integral_v<T>) {
    const uint64_t span = delta > 0 ? static_cast<uint64_t>(limit) - static_cast<uint64_t>(start)
                                    : static_cast<uint64_t>(start) - static_cast<uint64_t>(limit);
    const uint64_t step = delta > 0 ? static_cast<uint64_t>(delta) : uint64_t{0} - static_cast<uint64_t>(delta);
    return static_cast<int64_t>(std::min<uint64_t>((span - 1) / step + 1, uint64_t{1} << 62));
  } else {
    const T count = std::ceil((limit - start) / delta);
    if (!(count < T{1e15})) throw Error(ErrorKind::kModel, "the range has no end");
    return static_cast<int64_t>(count);
  }
}

// Integers wrap instead of overflowing on the way: the sum itself is in range.
template <typename T>
T element(T start, T delta, size_t i) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(start) + static_cast<uint64_t>(delta) * i);
  } else {
    return start + static_cast<T>(i) * delta;
  }
}

void infer(InferContext& context) {
  Dim count;
  const Tensor* start = context.value(0);
  const Tensor* limit = context.value(1);
  const Tensor* delta = context.value(2);
  if (start != nullptr && limit != nullptr && delta != nullptr) {
    visit_type(RangeTypes(), start->dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
      for (int i = 1; i < 3; ++i) {
        if (context.dtype(i) != start->dtype()) context.fail_input(i, "differs in type from operand 0");
      }
      count = Dim(count_of(scalar<T>(*start), scalar<T>(*limit), scalar<T>(*delta)));
    });
  }
  context.set_output(0, context.dtype(0), {count});
}

void eval(EvalContext& context) {
  visit_type(RangeTypes(), context.input(0).dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    const T start = scalar<T>(context.input(0)), delta = scalar<T>(context.input(2));
    const auto y = context.out<T>(0);
    for (size_t i = 0; i < y.size(); ++i) y[i] = element(start, delta, i);
  });
}

}  // namespace

extern const OpDef k_range{
    .name = "Range",
    .inputs = {3, 3},
    .infer = infer,
    .eval = eval,
    .quant = {.kind = QuantKind::kFloat, .why_float = "it counts"},
};

}  // namespace tinyc
