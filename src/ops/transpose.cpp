// Transpose: out[i_perm[0], i_perm[1], ...] = in[i_0, i_1, ...]; axes reversed when `perm` is absent.
#include <numeric>
#include <utility>

#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"perm", AttributeType::kInts}};

std::vector<int> permutation(const Node& node, int rank) {
  if (!has_attr(node, "perm")) {
    std::vector<int> reversed(static_cast<size_t>(rank));
    std::iota(reversed.rbegin(), reversed.rend(), 0);
    return reversed;
  }
  const auto perm = ints_attr(node, "perm");
  if (std::cmp_not_equal(perm.size(), rank)) {
    throw Error(ErrorKind::kModel, "attribute 'perm' lists " + std::to_string(perm.size()) +
                                       " axes of an operand of rank " + std::to_string(rank));
  }
  return normalize_axes(perm, rank);
}

void infer(InferContext& c) {
  const Shape& shape = c.shape(0);
  if (!shape.ranked()) {
    const bool listed = has_attr(c.node(), "perm");
    const auto rank = static_cast<int>(ints_attr(c.node(), "perm").size());
    return c.set_output(0, c.dtype(0), listed ? open_shape(rank) : Shape::unranked());
  }
  Shape out;
  for (const int axis : permutation(c.node(), shape.rank())) out.push_back(shape[axis]);
  c.set_output(0, c.dtype(0), std::move(out));
  if (shape.rank() <= 1) forward_dims_value(c);
}

void eval(EvalContext& c) {
  const Tensor& in = c.input(0);
  Tensor& out = c.output(0);
  const Dims in_strides = strides_of(in.dims());
  Dims strides;
  for (const int axis : permutation(c.node(), in.rank())) strides.push_back(in_strides[static_cast<size_t>(axis)]);
  copy_box(element_bytes(in.dtype()), out.dims(), {in.bytes(), std::move(strides)},
           {out.mutable_bytes(), strides_of(out.dims())});
}

}  // namespace

extern constinit const OpDef k_transpose{.name = "Transpose",
                                         .inputs = {1, 1},
                                         .outputs = {1, 1},
                                         .attributes = kAttributes,
                                         .infer = infer,
                                         .eval = eval,
                                         .code = code_transpose,
                                         .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove}};

}  // namespace tinyc
