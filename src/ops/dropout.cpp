// Dropout: in inference y = x, and the mask is all true. Training, which would draw random numbers, is refused unless
// its ratio is zero.
#include "ops/cast.h"
#include "ops/code/bindings.h"
#include "ops/common_infer.h"
#include "ops/infer_util.h"
#include "ops/scalar_operand.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"seed", 0}};

void infer(InferContext& context) {
  if (context.dtype(0) == DataType::kString) context.fail_input(0, "holds strings");
  if (context.has_input(1)) static_cast<void>(known_scalar(context, 1));
  if (context.has_input(2)) static_cast<void>(known_scalar(context, 2));
  infer_same(context);
  context.set_output(1, DataType::kBool, context.shape(0));
}

void check_inference(const EvalContext& context) {
  const bool training = context.has_input(2) && scalar_operand(context, 2) != 0;
  const float ratio = context.has_input(1) ? cast(context.input(1), DataType::kFloat).data<float>()[0] : 0.5F;
  if (training && ratio != 0.0F) {
    throw Error(ErrorKind::kModel, "dropout in training mode draws random numbers",
                "export the model for inference (training_mode = false)");
  }
}

void eval(EvalContext& context) {
  check_inference(context);
  const Tensor& input = context.input(0);
  std::memcpy(context.output(0).mutable_bytes(), input.bytes(), input.byte_size());
  if (context.has_output(1)) {
    for (bool& keep : context.out<bool>(1)) keep = true;
  }
}

}  // namespace

extern const OpDef k_dropout{
    .name = "Dropout",
    .inputs = {1, 3},
    .outputs = {1, 2},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .code = code_identity,
    .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove},
};

}  // namespace tinyc
