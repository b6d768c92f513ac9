// Unique: the different elements of a tensor, or its different slices along `axis`; in ascending order, or in the order
// of their first appearance. Further outputs: where each appears first, which of them each slice is, and how often
// each appears.
//
// Slices are brought into rows, and row numbers sorted by the rows' elements, so the cost is n log n row comparisons.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/element_types.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axis", AttributeType::kInt}, {"sorted", 1}};

void infer(InferContext& c) {
  Shape shape = {Dim()};
  if (has_attr(c.node(), "axis")) {
    shape = c.shape(0);
    if (shape.ranked()) shape[normalize_axis(int_attr(c.node(), "axis"), shape.rank())] = Dim();
  }
  c.set_output(0, c.dtype(0), std::move(shape));
  for (const int index : {1, 2, 3}) c.set_output(index, DataType::kInt64, {Dim()});
}

// Equal rows, by row number: group g is first seen at first[g] and count[g] rows long; row r is in group[r].
struct Groups {
  std::vector<int64_t> first;
  std::vector<int64_t> count;
  std::vector<int64_t> group;
};

// NaNs are equal to one another and come last, which keeps the order a total one.
template <typename T>
bool less(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return !std::isnan(a);
  }
  return a < b;
}

template <typename T>
Groups group_rows(const T* rows, size_t count, size_t length, bool sorted) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  const auto before = [&](size_t a, size_t b) {
    return std::lexicographical_compare(rows + a * length, rows + (a + 1) * length, rows + b * length,
                                        rows + (b + 1) * length, less<T>);
  };
  std::stable_sort(order.begin(), order.end(), before);
  struct Member {
    size_t first;
    std::vector<size_t> rows;
  };
  std::vector<Member> members;
  for (size_t i = 0; i < count; ++i) {
    if (i == 0 || before(order[i - 1], order[i])) members.push_back({order[i], {}});
    members.back().rows.push_back(order[i]);
  }
  if (!sorted) {
    std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.first < b.first; });
  }
  Groups groups;
  groups.group.resize(count);
  for (const Member& member : members) {
    for (const size_t row : member.rows) groups.group[row] = static_cast<int64_t>(groups.first.size());
    groups.first.push_back(static_cast<int64_t>(member.first));
    groups.count.push_back(static_cast<int64_t>(member.rows.size()));
  }
  return groups;
}

Groups group(const Tensor& rows, bool sorted) {
  const auto count = static_cast<size_t>(rows.dims()[0]);
  const auto length = static_cast<size_t>(count_between(rows.dims(), 1, rows.rank()));
  if (rows.dtype() == DataType::kFloat16 || rows.dtype() == DataType::kBfloat16) {
    return group_rows<float>(rows.to_float().data(), count, length, sorted);
  }
  if (rows.dtype() == DataType::kBool) {
    return group_rows<uint8_t>(rows.reinterpreted(DataType::kUint8).data<uint8_t>().data(), count, length, sorted);
  }
  Groups groups;
  visit_type(NumericTypes(), rows.dtype(), [&]<typename T>(std::type_identity<T> /*type*/) {
    groups = group_rows<T>(rows.data<T>().data(), count, length, sorted);
  });
  return groups;
}

// The tensor with `axis` brought to the front.
Tensor axis_first(const Tensor& in, int axis) {
  Dims dims = in.dims();
  Dims strides = strides_of(dims);
  std::rotate(dims.begin(), dims.begin() + axis, dims.begin() + axis + 1);
  std::rotate(strides.begin(), strides.begin() + axis, strides.begin() + axis + 1);
  Tensor out = Tensor::zeros(in.dtype(), dims);
  copy_box(element_bytes(in.dtype()), dims, {in.bytes(), strides}, {out.mutable_bytes(), strides_of(dims)});
  return out;
}

// The listed rows, with the front axis brought back to `axis`.
Tensor rows_to_axis(const Tensor& rows, std::span<const int64_t> listed, int axis) {
  const size_t element = element_bytes(rows.dtype());
  Dims dims = rows.dims();
  dims[0] = static_cast<int64_t>(listed.size());
  Dims out_dims = dims;
  std::rotate(out_dims.begin(), out_dims.begin() + 1, out_dims.begin() + axis + 1);
  Tensor out = Tensor::zeros(rows.dtype(), out_dims);
  Dims to = strides_of(out_dims);
  std::rotate(to.begin(), to.begin() + axis, to.begin() + axis + 1);
  std::vector<AxisMap> maps(dims.size());
  maps[0].assign(listed.begin(), listed.end());
  for (size_t i = 1; i < dims.size(); ++i) {
    maps[i].resize(static_cast<size_t>(dims[i]));
    std::iota(maps[i].begin(), maps[i].end(), int64_t{0});
  }
  Tensor picked = Tensor::zeros(rows.dtype(), dims);
  copy_mapped(element, rows.dims(), rows.bytes(), maps, picked.mutable_bytes(), nullptr);
  copy_box(element, dims, {picked.bytes(), strides_of(dims)}, {out.mutable_bytes(), to});
  return out;
}

void eval(EvalContext& c) {
  const bool whole = !has_attr(c.node(), "axis");
  const Tensor in = whole ? c.input(0).reshaped({c.input(0).size()}) : c.input(0);
  const int axis = whole ? 0 : normalize_axis(int_attr(c.node(), "axis"), in.rank());
  const Tensor rows = axis_first(in, axis);
  const Groups groups = group(rows, int_attr(c.node(), "sorted") != 0);
  c.set_output(0, rows_to_axis(rows, groups.first, axis));
  const std::vector<int64_t>* lists[] = {&groups.first, &groups.group, &groups.count};
  for (int i = 1; i <= 3; ++i) {
    const std::vector<int64_t>& list = *lists[i - 1];
    if (c.has_output(i)) c.set_output(i, Tensor::of<int64_t>({static_cast<int64_t>(list.size())}, list));
  }
}

}  // namespace

extern const OpDef k_unique{
    .name = "Unique",
    .inputs = {1, 1},
    .outputs = {1, 4},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = "compares values for equality"},
};

}  // namespace tinyc
