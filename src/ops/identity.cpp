// Identity: y = x, the same buffer.
#include "ops/code/bindings.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

void infer(InferContext& context) {
  context.set_output(0, context.dtype(0), context.shape(0));
  if (const auto dims = context.dims_value(0)) context.set_dims_value(0, *dims);
}

void eval(EvalContext& context) {
  context.set_output(0, context.input(0));
}

}  // namespace

extern const OpDef k_identity{
    .name = "Identity",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .infer = infer,
    .eval = eval,
    .code = code_identity,
    .is_view = true,
    .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove},
};

}  // namespace tinyc
