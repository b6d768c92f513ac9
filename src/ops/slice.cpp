// Slice: data[start:end:step] along each listed axis, with numpy's rules: negative positions count from the end,
// positions outside are clamped, a negative step walks backwards.
#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "ops/code/bindings.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr int64_t kFar = std::numeric_limits<int32_t>::max();  // exporters say "to the end" with this or more

struct Range {
  int64_t start;
  int64_t end;
  int64_t step;
};

// Where a slice of a dimension of known size begins, and how many elements it takes.
struct Cut {
  int64_t first;
  int64_t count;
};

Cut cut(Range range, int64_t size) {
  constexpr int64_t kLimit = int64_t{1} << 62;
  const int64_t step = std::clamp(range.step, -kLimit, kLimit);
  if (step == 0) throw Error(ErrorKind::kModel, "a slice has step 0");
  const auto place = [&](int64_t at, int64_t low, int64_t high) {
    return std::clamp(at < 0 ? at + size : at, low, high);
  };
  if (step > 0) {
    const int64_t first = place(range.start, 0, size);
    const int64_t end = place(range.end, 0, size);
    return {first, end > first ? (end - first - 1) / step + 1 : 0};
  }
  const int64_t first = place(range.start, 0, std::max<int64_t>(size - 1, 0));
  const int64_t end = place(range.end, -1, size - 1);
  return {first, size > 0 && first > end ? (first - end - 1) / -step + 1 : 0};
}

std::vector<int64_t> axes_or_all(const std::optional<std::vector<int64_t>>& axes, size_t count) {
  if (axes) return *axes;
  std::vector<int64_t> all(count);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

// The slice of each axis; nullopt for an axis whose slice is not known now. An axis that is not sliced has {0, max, 1}.
using Ranges = std::vector<std::optional<Range>>;

Ranges slices_of(InferContext& c, int rank) {
  const auto starts = known_ints(c, 1);
  const auto ends = known_ints(c, 2);
  const auto axes = known_ints(c, 3);
  const auto steps = known_ints(c, 4);
  const Ranges unknown(static_cast<size_t>(rank));
  if (c.has_input(3) && !axes) return unknown;
  const int64_t count = axes ? static_cast<int64_t>(axes->size()) : vector_length(c, 1);
  if (count < 0) return unknown;
  if (count > rank) c.fail_input(axes ? 3 : 1, "lists more axes than the data has");
  for (int operand = 1; operand <= 4; ++operand) {
    const auto& list = operand == 1 ? starts : operand == 2 ? ends : operand == 3 ? axes : steps;
    if (list && std::cmp_not_equal(list->size(), count))
      c.fail_input(operand, "has another length than the other operands");
  }
  Ranges ranges(static_cast<size_t>(rank), Range{0, std::numeric_limits<int64_t>::max(), 1});
  const auto normal = normalize_axes(axes_or_all(axes, static_cast<size_t>(count)), rank);
  for (size_t i = 0; i < normal.size(); ++i) {
    auto& range = ranges[static_cast<size_t>(normal[i])];
    range.reset();
    if (starts && ends && (steps || !c.has_input(4))) range = {(*starts)[i], (*ends)[i], steps ? (*steps)[i] : 1};
  }
  return ranges;
}

Dim sliced(const Dim& dim, const std::optional<Range>& range) {
  if (!range) return {};
  if (dim.known()) return cut(*range, dim.value).count;
  return range->start == 0 && range->end >= kFar && range->step == 1 ? dim : Dim();
}

void infer(InferContext& c) {
  const Shape& shape = c.shape(0);
  if (!shape.ranked()) return c.set_output(0, c.dtype(0), Shape::unranked());
  const Ranges ranges = slices_of(c, shape.rank());
  Shape out;
  for (int i = 0; i < shape.rank(); ++i) out.push_back(sliced(shape[i], ranges[static_cast<size_t>(i)]));
  c.set_output(0, c.dtype(0), std::move(out));
  const auto values = shape_arithmetic(c, 0);
  if (!values || shape.rank() != 1 || !ranges[0]) return;
  const Cut taken = cut(*ranges[0], values->rank());
  Shape part;
  for (int64_t i = 0; i < taken.count; ++i)
    part.push_back((*values)[static_cast<int>(taken.first + i * ranges[0]->step)]);
  c.set_dims_value(0, std::move(part));
}

void eval(EvalContext& c) {
  const Tensor& in = c.input(0);
  Tensor& out = c.output(0);
  const auto starts = c.input(1).to_int64();
  const auto ends = c.input(2).to_int64();
  const auto listed = c.has_input(3) ? std::optional(c.input(3).to_int64()) : std::nullopt;
  const auto axes = normalize_axes(axes_or_all(listed, starts.size()), in.rank());
  const auto steps = c.has_input(4) ? c.input(4).to_int64() : std::vector<int64_t>(axes.size(), 1);
  const size_t element = element_bytes(in.dtype());
  Dims strides = strides_of(in.dims());
  int64_t first = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i]);
    const Cut taken = cut({starts[i], ends[i], steps[i]}, in.dims()[axis]);
    if (taken.count > 0) first += taken.first * strides[axis];
    strides[axis] = taken.count > 1 ? strides[axis] * steps[i] : 0;
  }
  copy_box(element, out.dims(), {in.bytes() + first * static_cast<int64_t>(element), std::move(strides)},
           {out.mutable_bytes(), strides_of(out.dims())});
}

// How many of the kept indices lie before one.
int64_t kept_before(const std::vector<int64_t>& kept, int64_t index) {
  return std::lower_bound(kept.begin(), kept.end(), index) - kept.begin();
}

// Slices without gaps begin and end among what is left; others are left as they are.
bool resize(ResizeContext& c) {
  if (!c.has_constant(1) || !c.has_constant(2)) return false;
  std::vector<int64_t> starts = c.constants[1].to_int64(), ends = c.constants[2].to_int64();
  const auto listed = c.has_constant(3) ? std::optional(c.constants[3].to_int64()) : std::nullopt;
  const auto steps = c.has_constant(4) ? c.constants[4].to_int64() : std::vector<int64_t>(starts.size(), 1);
  const auto axes = normalize_axes(axes_or_all(listed, starts.size()), static_cast<int>(c.inputs[0].size()));
  for (size_t i = 0; i < axes.size(); ++i) {
    const std::vector<int64_t>& kept = c.inputs[0][static_cast<size_t>(axes[i])];
    if (kept.empty() || steps[i] != 1) continue;
    const int64_t extent = c.input_extent(0, static_cast<size_t>(axes[i]));
    const Cut taken = cut({starts[i], ends[i], 1}, extent);
    starts[i] = kept_before(kept, taken.first);
    ends[i] = kept_before(kept, taken.first + taken.count);
  }
  c.constants[1] = Tensor::of<int64_t>({static_cast<int64_t>(starts.size())}, starts);
  c.constants[2] = Tensor::of<int64_t>({static_cast<int64_t>(ends.size())}, ends);
  return true;
}

}  // namespace

extern constinit const OpDef k_slice{.name = "Slice",
                                     .inputs = {3, 5},
                                     .outputs = {1, 1},
                                     .attributes = {},
                                     .infer = infer,
                                     .eval = eval,
                                     .code = code_selection,
                                     .resize = resize,
                                     .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kMove}};

}  // namespace tinyc
