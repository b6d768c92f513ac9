#include "ops/affine.h"

#include "ops/broadcast.h"
#include "ops/cast.h"
#include "ops/scalar_operand.h"

namespace tinyc {

float scale_operand(const EvalContext& context, int idx) {
  return channel_scales(context, idx, 1)[0];
}

int32_t zero_point_operand(const EvalContext& context, int idx) {
  if (!context.has_input(idx)) return 0;
  return static_cast<int32_t>(scalar_operand(context, idx));
}

std::vector<float> channel_scales(const EvalContext& context, int idx, int64_t channels) {
  std::vector<float> scales = context.input(idx).to_float();
  if (scales.size() == 1) scales.resize(static_cast<size_t>(std::max<int64_t>(channels, 1)), scales[0]);
  if (static_cast<int64_t>(scales.size()) == std::max<int64_t>(channels, 1)) return scales;
  throw Error(ErrorKind::kModel, "input " + std::to_string(idx) + " has " + std::to_string(scales.size()) +
                                     " scales, expected " + std::to_string(channels));
}

std::vector<int32_t> centered(const Tensor& operand, const Tensor& zero_point) {
  const Tensor integers = cast(operand, DataType::kInt32);
  const auto values = integers.data<int32_t>();
  std::vector<int32_t> result(values.begin(), values.end());
  if (!zero_point.defined()) return result;
  if (broadcast(operand.dims(), zero_point.dims()) != operand.dims()) {
    throw Error(ErrorKind::kModel, "a zero point of dims " + to_string(zero_point.dims()) + " does not broadcast to " +
                                       to_string(operand.dims()));
  }
  const Tensor zeros = cast(zero_point, DataType::kInt32);
  const auto plan = plan_broadcast<1>(operand.dims(), {zeros.dims()});
  const int32_t* zero = zeros.data<int32_t>().data();
  for_each_line(plan, [&](int64_t out, const std::array<int64_t, 1>& offsets) {
    for (int64_t i = 0; i < plan.line; ++i)
      result[static_cast<size_t>(out + i)] -= zero[offsets[0] + i * plan.steps[0]];
  });
  return result;
}

Tensor along_axis(const Tensor& zero_point, int axis, int rank) {
  if (!zero_point.defined()) return zero_point;
  if (zero_point.size() == 1) return zero_point.reshaped({});
  if (zero_point.rank() != 1) return zero_point;
  Dims dims(static_cast<size_t>(rank), 1);
  dims[static_cast<size_t>(axis)] = zero_point.size();
  return zero_point.reshaped(std::move(dims));
}

void requantize(std::span<const int32_t> accumulators, float multiplier, int32_t zero_point, Tensor& y, int64_t first) {
  visit_type(QuantizedTypes(), y.dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    T* out = y.mutable_data<T>().data() + first;
    for (const int32_t accumulator : accumulators) {
      *out++ = quantize_one<T>(static_cast<float>(accumulator) * multiplier, zero_point);
    }
  });
}

}  // namespace tinyc
