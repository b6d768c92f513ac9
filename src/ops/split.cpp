// Split: an operand cut into pieces along an axis: sizes from operand 1, else num_outputs equal pieces (the last one is
// smaller where they do not divide evenly).
#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axis", 0}, {"num_outputs", 0}};

std::vector<int64_t> equal_pieces(int64_t size, int count) {
  const int64_t piece = (size + count - 1) / count;
  std::vector<int64_t> pieces;
  for (int i = 0; i < count; ++i) {
    pieces.push_back(std::min(piece, size));
    size -= pieces.back();
  }
  return pieces;
}

void check_pieces(InferContext& c, std::span<const int64_t> pieces, const Dim& dim) {
  if (std::cmp_not_equal(pieces.size(), c.output_count())) {
    c.fail_input(
        1, "lists " + std::to_string(pieces.size()) + " pieces for " + std::to_string(c.output_count()) + " outputs");
  }
  int64_t left = dim.known() ? dim.value : std::numeric_limits<int64_t>::max();
  for (const int64_t piece : pieces) {
    if (piece < 0 || piece > left) c.fail_input(1, "does not fit a dimension of " + std::to_string(dim.value));
    left -= piece;
  }
  if (dim.known() && left != 0) c.fail_input(1, "leaves " + std::to_string(left) + " of the dimension over");
}

void infer(InferContext& c) {
  const Shape& shape = c.shape(0);
  const int count = c.output_count();
  if (!shape.ranked()) {
    for (int i = 0; i < count; ++i) c.set_output(i, c.dtype(0), Shape::unranked());
    return;
  }
  const int axis = normalize_axis(int_attr(c.node(), "axis"), shape.rank());
  const Dim& dim = shape[axis];
  auto pieces = known_ints(c, 1);
  if (pieces) {
    check_pieces(c, *pieces, dim);
  } else if (!c.has_input(1) && dim.known()) {
    pieces = equal_pieces(dim.value, count);
  }
  for (int i = 0; i < count; ++i) {
    Shape out = shape;
    out[axis] = pieces ? Dim((*pieces)[static_cast<size_t>(i)]) : Dim();
    c.set_output(i, c.dtype(0), std::move(out));
  }
  const auto values = shape_arithmetic(c, 0);
  if (!values || !pieces || shape.rank() != 1) return;
  int at = 0;
  for (int i = 0; i < count; ++i) {
    Shape part;
    for (int64_t k = 0; k < (*pieces)[static_cast<size_t>(i)]; ++k) part.push_back((*values)[at++]);
    c.set_dims_value(i, std::move(part));
  }
}

void eval(EvalContext& c) {
  const Tensor& in = c.input(0);
  const size_t element = element_bytes(in.dtype());
  const int axis = normalize_axis(int_attr(c.node(), "axis"), in.rank());
  const auto outer = static_cast<size_t>(count_between(in.dims(), 0, axis));
  const auto below = static_cast<size_t>(count_between(in.dims(), axis + 1, in.rank())) * element;
  const auto size = in.dims()[static_cast<size_t>(axis)];
  const auto sizes = c.has_input(1) ? c.input(1).to_int64() : equal_pieces(size, c.output_count());
  const std::byte* column = in.bytes();
  for (int i = 0; i < c.output_count(); ++i) {
    const size_t width = static_cast<size_t>(sizes[static_cast<size_t>(i)]) * below;
    if (c.has_output(i)) {
      std::byte* out = c.output(i).mutable_bytes();
      for (size_t r = 0; r < outer; ++r) {
        std::memcpy(out + r * width, column + r * static_cast<size_t>(size) * below, width);
      }
    }
    column += width;
  }
}

// Pieces are named one by one: what is left of equal ones may differ.
bool resize(ResizeContext& c) {
  const auto axis = static_cast<size_t>(normalize_axis(int_attr(c.node, "axis"), static_cast<int>(c.inputs[0].size())));
  std::vector<int64_t> pieces;
  for (const KeptIndices& output : c.outputs) {
    if (output.size() <= axis || output[axis].empty()) return false;
    pieces.push_back(static_cast<int64_t>(output[axis].size()));
  }
  c.constants.resize(2);
  c.constants[1] = Tensor::of<int64_t>({static_cast<int64_t>(pieces.size())}, pieces);
  c.node.attributes.erase("num_outputs");
  return true;
}

}  // namespace

extern constinit const OpDef k_split{.name = "Split",
                                     .inputs = {1, 2},
                                     .outputs = {1, kMany},
                                     .attributes = kAttributes,
                                     .infer = infer,
                                     .eval = eval,
                                     .code = code_selection,
                                     .resize = resize,
                                     .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove}};

}  // namespace tinyc
