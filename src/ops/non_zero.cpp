// NonZero: the indices of all elements that are not zero, one column for each, in the order of memory.
#include "ops/cast.h"
#include "ops/odometer.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

void infer(InferContext& context) {
  const Shape& shape = context.shape(0);
  // A scalar counts as a vector of one element.
  const Dim rank = shape.ranked() ? Dim(std::max(shape.rank(), 1)) : Dim();
  context.set_output(0, DataType::kInt64, {rank, Dim()});
}

void eval(EvalContext& context) {
  const Tensor truth = cast(context.input(0), DataType::kBool);
  const Dims dims = truth.rank() == 0 ? Dims{1} : truth.dims();
  const auto flags = truth.data<bool>();
  const auto count = static_cast<size_t>(std::count(flags.begin(), flags.end(), true));
  Tensor indices = Tensor::zeros(DataType::kInt64, {static_cast<int64_t>(dims.size()), static_cast<int64_t>(count)});
  const auto y = indices.mutable_data<int64_t>();
  Odometer position(dims, Dims(dims.size(), 0));
  size_t column = 0;
  for (const bool flag : flags) {
    if (flag) {
      for (size_t axis = 0; axis < dims.size(); ++axis) y[axis * count + column] = position.index()[axis];
      ++column;
    }
    position.next();
  }
  context.set_output(0, std::move(indices));
}

}  // namespace

extern const OpDef k_non_zero{
    .name = "NonZero",
    .infer = infer,
    .eval = eval,
    .quant = {.kind = QuantKind::kFloat, .why_float = "its result is a list of indices"},
};

}  // namespace tinyc
