// Compress: the slices along `axis` (without it: the elements) at which a list of bools is true. Missing bools are
// false.
#include <cstring>
#include <utility>

#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axis", AttributeType::kInt}};

void infer(InferContext& c) {
  c.require_rank(1, 1);
  if (c.dtype(1) != DataType::kBool) c.fail_input(1, "is " + std::string(name_of(c.dtype(1))) + ", expected bool");
  if (!has_attr(c.node(), "axis")) return c.set_output(0, c.dtype(0), {Dim()});
  Shape shape = c.shape(0);
  if (shape.ranked()) shape[normalize_axis(int_attr(c.node(), "axis"), shape.rank())] = Dim();
  c.set_output(0, c.dtype(0), std::move(shape));
}

void eval(EvalContext& c) {
  const Tensor flat = has_attr(c.node(), "axis") ? c.input(0) : c.input(0).reshaped({c.input(0).size()});
  const int axis = has_attr(c.node(), "axis") ? normalize_axis(int_attr(c.node(), "axis"), flat.rank()) : 0;
  const auto keep = c.in<bool>(1);
  const int64_t size = flat.dims()[static_cast<size_t>(axis)];
  std::vector<size_t> kept;
  for (size_t i = 0; i < keep.size(); ++i) {
    if (!keep[i]) continue;
    if (std::cmp_greater_equal(i, size)) {
      throw Error(ErrorKind::kModel, "the condition is longer than the dimension of " + std::to_string(size));
    }
    kept.push_back(i);
  }
  Dims dims = flat.dims();
  dims[static_cast<size_t>(axis)] = static_cast<int64_t>(kept.size());
  const size_t slice = static_cast<size_t>(count_between(dims, axis + 1, flat.rank())) * element_bytes(flat.dtype());
  const auto outer = static_cast<size_t>(count_between(dims, 0, axis));
  Tensor out = Tensor::zeros(flat.dtype(), std::move(dims));
  std::byte* to = out.mutable_bytes();
  for (size_t o = 0; o < outer; ++o) {
    for (const size_t i : kept) {
      std::memcpy(to, flat.bytes() + (o * static_cast<size_t>(size) + i) * slice, slice);
      to += slice;
    }
  }
  c.set_output(0, std::move(out));
}

}  // namespace

extern const OpDef k_compress{
    .name = "Compress",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.kind = QuantKind::kSameAsInput},
};

}  // namespace tinyc
