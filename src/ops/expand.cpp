// Expand: an operand broadcast together with the shape that operand 1 says; dims of one are repeated.
#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

void infer(InferContext& c) {
  const auto target = sizes_value(c, 1);
  const int64_t length = target ? target->rank() : vector_length(c, 1);
  if (!c.shape(0).ranked() || length < 0 || length > kMaxRank) return c.set_output(0, c.dtype(0), Shape::unranked());
  c.set_output(0, c.dtype(0), broadcast(c.shape(0), target ? *target : open_shape(static_cast<int>(length))));
}

void eval(EvalContext& c) {
  const Tensor& in = c.input(0);
  Tensor& out = c.output(0);
  const Dims own = strides_of(in.dims());
  Dims strides(out.dims().size(), 0);
  const size_t added = out.dims().size() - in.dims().size();
  for (size_t i = 0; i < own.size(); ++i) strides[added + i] = in.dims()[i] == 1 ? 0 : own[i];
  copy_box(element_bytes(in.dtype()), out.dims(), {in.bytes(), std::move(strides)},
           {out.mutable_bytes(), strides_of(out.dims())});
}

bool resize(ResizeContext& c) {
  if (!c.has_constant(1)) return false;
  std::vector<int64_t> target = c.constants[1].to_int64();
  const KeptIndices& kept = c.outputs[0];
  for (size_t i = 1; i <= target.size() && i <= kept.size(); ++i) {
    int64_t& extent = target[target.size() - i];
    if (extent != 1 && !kept[kept.size() - i].empty()) extent = static_cast<int64_t>(kept[kept.size() - i].size());
  }
  c.constants[1] = Tensor::of<int64_t>({static_cast<int64_t>(target.size())}, target);
  return true;
}

}  // namespace

extern constinit const OpDef k_expand{.name = "Expand",
                                      .inputs = {2, 2},
                                      .outputs = {1, 1},
                                      .attributes = {},
                                      .infer = infer,
                                      .eval = eval,
                                      .code = code_selection,
                                      .resize = resize,
                                      .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove}};

}  // namespace tinyc
