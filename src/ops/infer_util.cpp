#include "ops/infer_util.h"

#include <algorithm>
#include <numeric>

namespace tinyc {

std::optional<std::vector<int64_t>> known_ints(const InferContext& c, int idx) {
  if (!c.has_input(idx)) return std::nullopt;
  if (const Tensor* value = c.value(idx)) return value->to_int64();
  const std::optional<Shape> dims = c.dims_value(idx);
  if (!dims || !dims->known()) return std::nullopt;
  return dims->known_dims();
}

std::optional<int64_t> known_scalar(const InferContext& c, int idx) {
  const auto values = known_ints(c, idx);
  if (!values) return std::nullopt;
  if (values->size() != 1) c.fail_input(idx, "has " + std::to_string(values->size()) + " elements, expected 1");
  return values->front();
}

std::optional<Shape> sizes_value(const InferContext& c, int idx) {
  if (const Tensor* value = c.value(idx)) {
    for (const int64_t size : value->to_int64()) {
      if (size < 0) c.fail_input(idx, "asks for a dimension of " + std::to_string(size));
    }
  }
  return c.dims_value(idx);
}

std::optional<Shape> shape_arithmetic(const InferContext& c, int idx) {
  if (c.dtype(idx) != DataType::kInt64 && c.dtype(idx) != DataType::kInt32) return std::nullopt;
  const Tensor* value = c.value(idx);
  if (value != nullptr && (value->size() > kMaxRank || value->rank() > 1)) return std::nullopt;
  return c.dims_value(idx);
}

int64_t vector_length(const InferContext& c, int idx) {
  if (c.shape(idx).ranked() && c.shape(idx).rank() == 0) return 1;
  c.require_rank(idx, 1);
  if (c.shape(idx).ranked() && c.shape(idx)[0].known()) return c.shape(idx)[0].value;
  if (const auto dims = c.dims_value(idx)) return dims->rank();
  return -1;
}

Shape open_shape(int rank) {
  return Shape(std::vector<Dim>(static_cast<size_t>(rank)));
}

Dim product(std::span<const Dim> dims) {
  Dims known;
  const Dim* open = nullptr;
  int open_count = 0;
  for (const Dim& dim : dims) {
    if (dim.known()) {
      known.push_back(dim.value);
    } else {
      open = &dim;
      ++open_count;
    }
  }
  const int64_t count = element_count(known);
  if (count == 0 || open_count == 0) return count;
  return open_count == 1 && count == 1 ? *open : Dim();
}

Dim sum(const Dim& a, const Dim& b) {
  if (a.known() && a.value == 0) return b;
  if (b.known() && b.value == 0) return a;
  if (!a.known() || !b.known()) return {};
  int64_t total = 0;
  if (__builtin_add_overflow(a.value, b.value, &total)) throw Error(ErrorKind::kModel, "a dimension is too large");
  return total;
}

Dim merge(const Dim& a, const Dim& b) {
  if (!a.known()) return b.known() || a.symbol.empty() ? b : a;
  if (b.known() && b.value != a.value) {
    throw Error(ErrorKind::kModel,
                "dimensions " + std::to_string(a.value) + " and " + std::to_string(b.value) + " should be equal");
  }
  return a;
}

Shape common_shape(const Shape& a, const Shape& b) {
  if (!a.ranked() || !b.ranked() || a.rank() != b.rank()) return Shape::unranked();
  Shape common;
  for (int i = 0; i < a.rank(); ++i) common.push_back(a[i].same_as(b[i]) ? a[i] : Dim());
  return common;
}

std::vector<int> normalize_axes(std::span<const int64_t> axes, int rank) {
  std::vector<int> normal;
  for (const int64_t axis : axes) {
    const int at = normalize_axis(axis, rank);
    if (std::find(normal.begin(), normal.end(), at) != normal.end()) {
      throw Error(ErrorKind::kModel, "axis " + std::to_string(axis) + " is listed twice");
    }
    normal.push_back(at);
  }
  return normal;
}

std::vector<int> listed_axes(const Node& node, int rank) {
  if (has_attr(node, "axes")) return normalize_axes(ints_attr(node, "axes"), rank);
  std::vector<int> all(static_cast<size_t>(rank));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

void forward_dims_value(InferContext& c) {
  if (auto dims = shape_arithmetic(c, 0)) c.set_dims_value(0, std::move(*dims));
}

}  // namespace tinyc
