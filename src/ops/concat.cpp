// Concat: operands one after the other along an axis. Quantized, all operands and the output share one set of
// parameters, so that joining moves bytes only.
#include <cstring>

#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axis", AttributeType::kInt}};

// What is known of the joined elements of 1-d integer operands; shape arithmetic builds shapes this way.
void join_dims_values(InferContext& c) {
  Shape joined;
  for (int i = 0; i < c.input_count(); ++i) {
    if (const auto dims = shape_arithmetic(c, i)) {
      for (const Dim& dim : dims->dims()) joined.push_back(dim);
    } else if (c.shape(i).known() && c.shape(i)[0].value <= kMaxRank) {
      for (int64_t k = 0; k < c.shape(i)[0].value; ++k) joined.push_back(Dim());
    } else {
      return;
    }
  }
  c.set_dims_value(0, std::move(joined));
}

void infer(InferContext& c) {
  const Shape* ranked = nullptr;
  for (int i = 0; i < c.input_count(); ++i) {
    if (!c.has_input(i)) c.fail_input(i, "is missing");
    if (c.dtype(i) != c.dtype(0) && c.dtype(i) != DataType::kUndefined && c.dtype(0) != DataType::kUndefined) {
      c.fail_input(i, "is " + std::string(name_of(c.dtype(i))) + ", unlike the others");
    }
    if (c.shape(i).ranked()) ranked = &c.shape(i);
  }
  if (ranked == nullptr) return c.set_output(0, c.dtype(0), Shape::unranked());
  const int rank = ranked->rank();
  const int axis = normalize_axis(int_attr(c.node(), "axis"), rank);
  Shape out = open_shape(rank);
  out[axis] = 0;
  for (int i = 0; i < c.input_count(); ++i) {
    c.require_rank(i, rank);
    const Shape shape = c.shape(i).ranked() ? c.shape(i) : open_shape(rank);
    for (int d = 0; d < rank; ++d) {
      if (d != axis && shape[d].known() && out[d].known() && shape[d].value != out[d].value) {
        c.fail_input(i, "has shape " + to_string(shape) + ", which does not join " + to_string(out) + " along axis " +
                            std::to_string(axis));
      }
      out[d] = d == axis ? sum(out[d], shape[d]) : merge(out[d], shape[d]);
    }
  }
  c.set_output(0, c.dtype(0), std::move(out));
  if (rank == 1 && is_integer(c.dtype(0))) join_dims_values(c);
}

void eval(EvalContext& c) {
  Tensor& out = c.output(0);
  const size_t element = element_bytes(out.dtype());
  const int axis = normalize_axis(int_attr(c.node(), "axis"), out.rank());
  const int64_t outer = count_between(out.dims(), 0, axis);
  const size_t row = static_cast<size_t>(count_between(out.dims(), axis, out.rank())) * element;
  std::byte* column = out.mutable_bytes();
  for (int i = 0; i < c.input_count(); ++i) {
    const Tensor& in = c.input(i);
    const size_t width = static_cast<size_t>(count_between(in.dims(), axis, in.rank())) * element;
    for (size_t r = 0; r < static_cast<size_t>(outer); ++r)
      std::memcpy(column + r * row, in.bytes() + r * width, width);
    column += width;
  }
}

}  // namespace

extern constinit const OpDef k_concat{
    .name = "Concat",
    .inputs = {1, kMany},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .code = code_concat,
    .quant = {.kind = QuantKind::kShared, .data_inputs = 1U | 1U << 31U, .scaling = Scaling::kMove}};

}  // namespace tinyc
