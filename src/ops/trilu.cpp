// Trilu: keeps the upper (or lower) triangle of each matrix, on and beyond the k-th diagonal; zero elsewhere. EyeLike:
// a matrix with ones on the k-th diagonal.
#include "ops/cast.h"
#include "ops/code/bindings.h"
#include "ops/common_infer.h"
#include "ops/infer_util.h"
#include "ops/movement.h"
#include "ops/scalar_operand.h"

namespace tinyc {
namespace {

constexpr AttributeDef kTriluAttributes[] = {{"upper", 1}};
constexpr AttributeDef kEyeAttributes[] = {{"dtype", 0}, {"k", 0}};

void infer_trilu(InferContext& context) {
  const Shape& shape = context.shape(0);
  if (shape.ranked() && shape.rank() < 2) {
    context.fail_input(0, "has rank " + std::to_string(shape.rank()) + ", expected 2 or more");
  }
  if (context.has_input(1)) static_cast<void>(known_scalar(context, 1));
  infer_same(context);
}

void eval_trilu(EvalContext& context) {
  const Tensor& input = context.input(0);
  const size_t element = element_bytes(input.dtype());
  const bool upper = int_attr(context.node(), "upper") != 0;
  const int64_t rows = input.dims().end()[-2], columns = input.dims().end()[-1];
  // Beyond the matrix all diagonals are alike.
  const int64_t given = context.has_input(1) ? scalar_operand(context, 1) : 0;
  const int64_t k = std::clamp(given, -rows, columns);
  std::byte* y = context.output(0).mutable_bytes();
  std::memset(y, 0, input.byte_size());
  const int64_t all_rows = columns == 0 ? 0 : input.size() / columns;
  for (int64_t row = 0; row < all_rows; ++row) {
    // The diagonal crosses this row at column row + k.
    const int64_t crossing = row % rows + k;
    const int64_t first = upper ? std::clamp<int64_t>(crossing, 0, columns) : 0;
    const int64_t last = upper ? columns : std::clamp<int64_t>(crossing + 1, 0, columns);
    const size_t offset = static_cast<size_t>(row * columns + first) * element;
    std::memcpy(y + offset, input.bytes() + offset, static_cast<size_t>(last - first) * element);
  }
}

DataType eye_type(const Node& node, DataType of_input) {
  return has_attr(node, "dtype") ? static_cast<DataType>(int_attr(node, "dtype")) : of_input;
}

void infer_eye(InferContext& context) {
  context.require_rank(0, 2);
  context.set_output(0, eye_type(context.node(), context.dtype(0)), context.shape(0));
}

void eval_eye(EvalContext& context) {
  const Dims& dims = context.input(0).dims();
  const int64_t k = std::clamp(int_attr(context.node(), "k"), -dims[0], dims[1]);
  Tensor eye = Tensor::zeros(DataType::kBool, dims);
  const auto y = eye.mutable_data<bool>();
  for (int64_t row = std::max<int64_t>(0, -k); row < dims[0] && row + k < dims[1]; ++row) {
    y[static_cast<size_t>(row * dims[1] + row + k)] = true;
  }
  context.set_output(0, cast(eye, eye_type(context.node(), context.input(0).dtype())));
}

}  // namespace

extern const OpDef k_trilu{
    .name = "Trilu",
    .inputs = {1, 2},
    .attributes = kTriluAttributes,
    .infer = infer_trilu,
    .eval = eval_trilu,
    .code = code_selection,
    .quant = {.kind = QuantKind::kSameAsInput},
};

extern const OpDef k_eye_like{
    .name = "EyeLike",
    .attributes = kEyeAttributes,
    .infer = infer_eye,
    .eval = eval_eye,
    .quant = {.kind = QuantKind::kFloat, .why_float = "its result is constant"},
};

}  // namespace tinyc
