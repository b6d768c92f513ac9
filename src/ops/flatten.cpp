// Flatten: a matrix of the dims before `axis` by those from it on.
#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axis", 1}};

void infer(InferContext& c) {
  const Shape& shape = c.shape(0);
  if (!shape.ranked()) return c.set_output(0, c.dtype(0), open_shape(2));
  const int64_t axis = int_attr(c.node(), "axis");
  const auto split =
      axis == shape.rank() ? shape.dims().size() : static_cast<size_t>(normalize_axis(axis, shape.rank()));
  const std::span<const Dim> dims = shape.dims();
  c.set_output(0, c.dtype(0), {product(dims.first(split)), product(dims.subspan(split))});
}

}  // namespace

extern constinit const OpDef k_flatten{.name = "Flatten",
                                       .inputs = {1, 1},
                                       .outputs = {1, 1},
                                       .attributes = kAttributes,
                                       .infer = infer,
                                       .eval = copy_input,
                                       .code = code_reshape,
                                       .is_view = true,
                                       .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove}};

}  // namespace tinyc
