// Where: y = condition ? a : b, elementwise with broadcasting, elements of any type. Quantized: chooses among values of
// one scale.
#include "ops/broadcast.h"
#include "ops/common_axes.h"
#include "ops/common_infer.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

void infer(InferContext& context) {
  require_dtype(context, 0, DataType::kBool);
  require_same_dtype(context, 2, 1);
  context.set_output(0, context.dtype(1), broadcast(context.shape(0), broadcast(context.shape(1), context.shape(2))));
}

template <typename T>
void choose(EvalContext& context) {
  const auto plan = plan_broadcast<3>(context.output(0).dims(),
                                      {context.input(0).dims(), context.input(1).dims(), context.input(2).dims()});
  const bool* condition = context.in<bool>(0).data();
  const auto* a = reinterpret_cast<const T*>(context.input(1).bytes());
  const auto* b = reinterpret_cast<const T*>(context.input(2).bytes());
  auto* y = reinterpret_cast<T*>(context.output(0).mutable_bytes());
  for_each_line(plan, [&](int64_t out, const std::array<int64_t, 3>& offsets) {
    for (int64_t i = 0; i < plan.line; ++i) {
      y[out + i] = condition[offsets[0] + i * plan.steps[0]] ? a[offsets[1] + i * plan.steps[1]]
                                                             : b[offsets[2] + i * plan.steps[2]];
    }
  });
}

void eval(EvalContext& context) {
  switch (element_bytes(context.output(0).dtype())) {
    case 1:
      return choose<uint8_t>(context);
    case 2:
      return choose<uint16_t>(context);
    case 4:
      return choose<uint32_t>(context);
    case 8:
      return choose<uint64_t>(context);
    default:
      throw Error(ErrorKind::kModel, "element type " + std::string(name_of(context.output(0).dtype())) +
                                         " is not supported by this operator");
  }
}

}  // namespace

extern const OpDef k_where{
    .name = "Where",
    .inputs = {3, 3},
    .infer = infer,
    .eval = eval,
    .axes = elementwise_axes,
    .quant = {.kind = QuantKind::kShared, .data_inputs = 0b110},
};

}  // namespace tinyc
