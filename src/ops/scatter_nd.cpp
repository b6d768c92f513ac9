// ScatterND: a copy of data in which the slice that each row of `indices` addresses is replaced by, or combined with, a
// slice of updates.
#include "ops/common_infer.h"
#include "ops/movement.h"
#include "ops/scatter_reduction.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"reduction", "none"}};

// The shape that updates must have: indices without its last axis, then the slice that a row addresses.
Shape expected_updates(InferContext& c) {
  const Shape& data = c.shape(0);
  const Shape& indices = c.shape(1);
  if (indices.rank() == 0) c.fail_input(1, "is a scalar");
  const Dim& row = indices[indices.rank() - 1];
  if (!row.known()) return Shape::unranked();
  if (row.value > data.rank()) {
    c.fail_input(
        1, "has rows of " + std::to_string(row.value) + " positions in data of rank " + std::to_string(data.rank()));
  }
  Shape expected;
  for (int i = 0; i < indices.rank() - 1; ++i) expected.push_back(indices[i]);
  for (int i = static_cast<int>(row.value); i < data.rank(); ++i) expected.push_back(data[i]);
  return expected;
}

void infer(InferContext& c) {
  infer_same(c);
  const Shape& updates = c.shape(2);
  if (c.dtype(2) != c.dtype(0)) c.fail_input(2, "has another element type than the data");
  if (!c.shape(0).ranked() || !c.shape(1).ranked() || !updates.ranked()) return;
  const Shape expected = expected_updates(c);
  if (!expected.ranked()) return;
  c.require_rank(2, expected.rank());
  for (int i = 0; i < expected.rank(); ++i) {
    if (expected[i].known() && updates[i].known() && expected[i].value != updates[i].value) {
      c.fail_input(2, "has shape " + to_string(updates) + ", expected " + to_string(expected));
    }
  }
}

void eval(EvalContext& c) {
  copy_input(c);
  Tensor& out = c.output(0);
  const Landing land = landing_of(string_attr(c.node(), "reduction"), out.dtype());
  const auto indices = c.input(1).to_int64();
  const auto row = static_cast<size_t>(c.input(1).dims().back());
  const auto slice = static_cast<size_t>(count_between(out.dims(), static_cast<int>(row), out.rank()));
  const size_t bytes = slice * element_bytes(out.dtype());
  const Dims strides = strides_of(std::span(out.dims()).first(row));
  const Dims& index_dims = c.input(1).dims();
  const auto rows = static_cast<size_t>(count_between(index_dims, 0, c.input(1).rank() - 1));
  std::byte* target = out.mutable_bytes();
  const std::byte* update = c.input(2).bytes();
  for (size_t r = 0; r < rows; ++r, update += bytes) {
    size_t to = 0;
    for (size_t k = 0; k < row; ++k) {
      to += static_cast<size_t>(checked_index(indices[r * row + k], out.dims()[k]) * strides[k]);
    }
    land(target + to * bytes, update, slice);
  }
}

}  // namespace

extern constinit const OpDef k_scatter_nd{.name = "ScatterND",
                                          .inputs = {3, 3},
                                          .outputs = {1, 1},
                                          .attributes = kAttributes,
                                          .infer = infer,
                                          .eval = eval,
                                          .quant = {.why_float = "updates and data have ranges of their own"}};

}  // namespace tinyc
