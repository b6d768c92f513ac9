// GatherND: each row of `indices` (its last axis) addresses a slice of data behind the first batch_dims axes, which the
// two operands have in common.
#include <algorithm>
#include <cstring>

#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"batch_dims", 0}};

int batch_dims(InferContext& c) {
  const int64_t batch = int_attr(c.node(), "batch_dims");
  if (batch < 0 || batch >= std::min(c.shape(0).rank(), c.shape(1).rank())) {
    throw Error(ErrorKind::kModel, "attribute 'batch_dims' is " + std::to_string(batch));
  }
  return static_cast<int>(batch);
}

void infer(InferContext& c) {
  const Shape& data = c.shape(0);
  const Shape& indices = c.shape(1);
  if (!data.ranked() || !indices.ranked()) return c.set_output(0, c.dtype(0), Shape::unranked());
  if (indices.rank() == 0) c.fail_input(1, "is a scalar");
  const int batch = batch_dims(c);
  const Dim& row = indices[indices.rank() - 1];
  if (!row.known()) return c.set_output(0, c.dtype(0), Shape::unranked());
  if (row.value < 1 || row.value > data.rank() - batch) {
    c.fail_input(
        1, "has rows of " + std::to_string(row.value) + " positions in data of rank " + std::to_string(data.rank()));
  }
  Shape out;
  for (int i = 0; i < indices.rank() - 1; ++i) out.push_back(i < batch ? merge(indices[i], data[i]) : indices[i]);
  for (int i = batch + static_cast<int>(row.value); i < data.rank(); ++i) out.push_back(data[i]);
  c.set_output(0, c.dtype(0), std::move(out));
}

void eval(EvalContext& c) {
  const Tensor& data = c.input(0);
  const auto indices = c.input(1).to_int64();
  const int batch = static_cast<int>(int_attr(c.node(), "batch_dims"));
  const auto row = static_cast<size_t>(c.input(1).dims().back());
  const int64_t batches = count_between(data.dims(), 0, batch);
  const int depth = batch + static_cast<int>(row);
  const size_t slice =
      static_cast<size_t>(count_between(data.dims(), depth, data.rank())) * element_bytes(data.dtype());
  const Dims strides = strides_of(std::span(data.dims()).first(static_cast<size_t>(depth)));
  const auto addressed = static_cast<size_t>(count_between(data.dims(), batch, depth));
  const size_t rows = batches == 0 ? 0 : indices.size() / row / static_cast<size_t>(batches);
  std::byte* out = c.output(0).mutable_bytes();
  const int64_t* position = indices.data();
  for (size_t b = 0; b < static_cast<size_t>(batches); ++b) {
    for (size_t r = 0; r < rows; ++r, position += row, out += slice) {
      auto from = b * addressed;
      for (size_t k = 0; k < row; ++k) {
        const size_t axis = static_cast<size_t>(batch) + k;
        from += static_cast<size_t>(checked_index(position[k], data.dims()[axis]) * strides[axis]);
      }
      std::memcpy(out, data.bytes() + from * slice, slice);
    }
  }
}

}  // namespace

extern constinit const OpDef k_gather_nd{.name = "GatherND",
                                         .inputs = {2, 2},
                                         .outputs = {1, 1},
                                         .attributes = kAttributes,
                                         .infer = infer,
                                         .eval = eval,
                                         .code = code_selection,
                                         .quant = {.kind = QuantKind::kSameAsInput}};

}  // namespace tinyc
