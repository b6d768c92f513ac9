// Tile: an operand repeated along each axis as often as operand 1 says.
//
// The output is seen as having two axes for each of the operand's: which copy, and where in it.
#include <utility>

#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

Dim repeated(const Dim& dim, int64_t times) {
  if (times < 0) throw Error(ErrorKind::kModel, "an axis is repeated " + std::to_string(times) + " times");
  const Dim both[] = {dim, times};
  return product(both);
}

void infer(InferContext& c) {
  const Shape& shape = c.shape(0);
  const auto repeats = known_ints(c, 1);
  if (!shape.ranked()) return c.set_output(0, c.dtype(0), Shape::unranked());
  if (!repeats) return c.set_output(0, c.dtype(0), open_shape(shape.rank()));
  if (std::cmp_not_equal(repeats->size(), shape.rank())) {
    c.fail_input(1,
                 "has " + std::to_string(repeats->size()) + " elements for " + std::to_string(shape.rank()) + " axes");
  }
  Shape out;
  for (int i = 0; i < shape.rank(); ++i) out.push_back(repeated(shape[i], (*repeats)[static_cast<size_t>(i)]));
  c.set_output(0, c.dtype(0), std::move(out));
}

void eval(EvalContext& c) {
  const Tensor& in = c.input(0);
  Tensor& out = c.output(0);
  const Dims in_strides = strides_of(in.dims());
  const Dims out_strides = strides_of(out.dims());
  const auto repeats = c.input(1).to_int64();
  Dims dims;
  Dims from;
  Dims to;
  for (size_t i = 0; i < in_strides.size(); ++i) {
    dims.insert(dims.end(), {repeats[i], in.dims()[i]});
    from.insert(from.end(), {0, in_strides[i]});
    to.insert(to.end(), {in.dims()[i] * out_strides[i], out_strides[i]});
  }
  copy_box(element_bytes(in.dtype()), dims, {in.bytes(), std::move(from)}, {out.mutable_bytes(), std::move(to)});
}

}  // namespace

extern constinit const OpDef k_tile{.name = "Tile",
                                    .inputs = {2, 2},
                                    .outputs = {1, 1},
                                    .attributes = {},
                                    .infer = infer,
                                    .eval = eval,
                                    .code = code_selection,
                                    .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove}};

}  // namespace tinyc
