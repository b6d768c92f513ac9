// Pad: elements added (or, where a pad is negative, taken off) at both ends of each axis: a constant, the border
// element (edge), the axis mirrored at its border elements (reflect), or the axis repeated (wrap).
//
// Every mode is one map per axis from places in the output to places in the input. What negative pads take off is gone
// before anything is mirrored or repeated.
#include <algorithm>

#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"mode", "constant"}};

struct Ends {
  int64_t begin = 0;
  int64_t end = 0;
};

// The pads of every axis, from operand 1 (begins, then ends, of the axes listed in operand 3).
std::vector<Ends> spread_pads(std::span<const int64_t> pads, std::span<const int64_t> axes, int rank) {
  std::vector<Ends> ends(static_cast<size_t>(rank));
  const std::vector<int> normal = normalize_axes(axes, rank);
  for (size_t i = 0; i < normal.size(); ++i) {
    ends[static_cast<size_t>(normal[i])] = {pads[i], pads[i + normal.size()]};
  }
  return ends;
}

std::vector<int64_t> all_axes(int rank) {
  std::vector<int64_t> axes;
  for (int i = 0; i < rank; ++i) axes.push_back(i);
  return axes;
}

int64_t padded(int64_t size, const Ends& ends) {
  int64_t total = 0;
  if (__builtin_add_overflow(size, ends.begin, &total) || __builtin_add_overflow(total, ends.end, &total) ||
      total < 0) {
    throw Error(ErrorKind::kModel, "pads " + std::to_string(ends.begin) + " and " + std::to_string(ends.end) +
                                       " do not fit a dimension of " + std::to_string(size));
  }
  return total;
}

void infer(InferContext& c) {
  const Shape& shape = c.shape(0);
  if (!shape.ranked()) return c.set_output(0, c.dtype(0), Shape::unranked());
  const auto pads = known_ints(c, 1);
  const auto listed = c.has_input(3) ? known_ints(c, 3) : all_axes(shape.rank());
  if (!pads || !listed) return c.set_output(0, c.dtype(0), open_shape(shape.rank()));
  if (pads->size() != 2 * listed->size()) {
    c.fail_input(1,
                 "has " + std::to_string(pads->size()) + " elements for " + std::to_string(listed->size()) + " axes");
  }
  const auto ends = spread_pads(*pads, *listed, shape.rank());
  Shape out;
  for (int i = 0; i < shape.rank(); ++i) {
    const Ends& axis = ends[static_cast<size_t>(i)];
    const bool same = axis.begin == 0 && axis.end == 0;
    out.push_back(shape[i].known() ? Dim(padded(shape[i].value, axis)) : same ? shape[i] : Dim());
  }
  c.set_output(0, c.dtype(0), std::move(out));
}

int64_t remainder(int64_t a, int64_t b) {
  return (a % b + b) % b;
}

// Where place `at` of an axis of `size` elements comes from; -1 for the constant.
int64_t source_of(std::string_view mode, int64_t at, int64_t size) {
  if (at >= 0 && at < size) return at;
  if (mode == "constant") return -1;
  if (size == 0) throw Error(ErrorKind::kModel, "an empty dimension has nothing to pad with");
  if (mode == "edge") return at < 0 ? 0 : size - 1;
  if (mode == "wrap") return remainder(at, size);
  if (mode != "reflect") {
    throw Error(ErrorKind::kModel, "attribute 'mode' is '" + std::string(mode) + "'",
                "the known ones are constant, edge, reflect and wrap");
  }
  if (size == 1) return 0;
  const int64_t period = 2 * (size - 1);
  const int64_t folded = remainder(at, period);
  return folded < size ? folded : period - folded;
}

void eval(EvalContext& c) {
  const Tensor& in = c.input(0);
  Tensor& out = c.output(0);
  const auto axes = c.has_input(3) ? c.input(3).to_int64() : all_axes(in.rank());
  const auto ends = spread_pads(c.input(1).to_int64(), axes, in.rank());
  const std::string_view mode = string_attr(c.node(), "mode");
  std::vector<AxisMap> maps(static_cast<size_t>(in.rank()));
  for (size_t i = 0; i < maps.size(); ++i) {
    const int64_t cut = std::max<int64_t>(-ends[i].begin, 0);
    const int64_t left = std::max<int64_t>(in.dims()[i] - cut - std::max<int64_t>(-ends[i].end, 0), 0);
    for (int64_t at = 0; at < out.dims()[i]; ++at) {
      const int64_t from = source_of(mode, at - std::max<int64_t>(ends[i].begin, 0), left);
      maps[i].push_back(from < 0 ? -1 : cut + from);
    }
  }
  constexpr std::byte kZero[16] = {};
  const bool given = c.has_input(2) && c.input(2).size() == 1 && c.input(2).dtype() == in.dtype();
  copy_mapped(element_bytes(in.dtype()), in.dims(), in.bytes(), maps, out.mutable_bytes(),
              given ? c.input(2).bytes() : kZero);
}

}  // namespace

extern constinit const OpDef k_pad{.name = "Pad",
                                   .inputs = {2, 4},
                                   .outputs = {1, 1},
                                   .attributes = kAttributes,
                                   .infer = infer,
                                   .eval = eval,
                                   .code = code_pad,
                                   .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove}};

}  // namespace tinyc
