#include "tinyc/ir/shape.h"

#include <algorithm>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

constexpr int64_t kMaxElements = int64_t{1} << 62;

template <typename Sequence, typename Print>
std::string bracketed(const Sequence& dims, Print print) {
  std::string text = "[";
  for (const auto& dim : dims) {
    if (text.size() > 1) text += ',';
    text += print(dim);
  }
  return text + ']';
}

Dim broadcast_dim(const Dim& a, const Dim& b) {
  if (a.known() && a.value == 1) return b;
  if (b.known() && b.value == 1) return a;
  if (a.known() && b.known()) {
    if (a.value != b.value) {
      throw Error(ErrorKind::kModel,
                  "cannot broadcast dims " + std::to_string(a.value) + " and " + std::to_string(b.value));
    }
    return a;
  }
  if (a.known()) return a;  // the open one is 1 or the same
  if (b.known()) return b;
  return a.same_as(b) ? a : Dim();
}

}  // namespace

bool Shape::known() const {
  return ranked_ && std::all_of(dims_.begin(), dims_.end(), [](const Dim& dim) { return dim.known(); });
}

std::optional<Dims> Shape::known_dims() const {
  if (!known()) return std::nullopt;
  Dims dims;
  for (const Dim& dim : dims_) dims.push_back(dim.value);
  return dims;
}

int64_t element_count(std::span<const int64_t> dims) {
  int64_t count = 1;
  for (int64_t dim : dims) {
    TINYC_CHECK(dim >= 0);
    if (dim != 0 && count > kMaxElements / dim) {
      throw Error(ErrorKind::kModel, "dims " + to_string(dims) + " overflow", "the model file is damaged");
    }
    count *= dim;
  }
  return count;
}

int64_t byte_count(DataType dtype, std::span<const int64_t> dims) {
  const int64_t count = element_count(dims);
  const int64_t bits = bits_of(dtype);
  if (bits != 0 && count > kMaxElements / bits) {
    throw Error(ErrorKind::kModel, "dims " + to_string(dims) + " overflow", "the model file is damaged");
  }
  return (count * bits + 7) / 8;
}

std::string to_string(const Shape& shape) {
  if (!shape.ranked()) return "[...]";
  return bracketed(shape.dims(), [](const Dim& dim) {
    return dim.known() ? std::to_string(dim.value) : (dim.symbol.empty() ? "?" : dim.symbol);
  });
}

std::string to_string(std::span<const int64_t> dims) {
  return bracketed(dims, [](int64_t dim) { return std::to_string(dim); });
}

std::string to_string(const TensorType& type) {
  return std::string(name_of(type.dtype)) + to_string(type.shape);
}

int normalize_axis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    throw Error(ErrorKind::kModel,
                "axis " + std::to_string(axis) + " is out of range for rank " + std::to_string(rank));
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Shape broadcast(const Shape& a, const Shape& b) {
  if (!a.ranked() || !b.ranked()) return Shape::unranked();
  std::vector<Dim> dims(static_cast<size_t>(std::max(a.rank(), b.rank())));
  const int rank = static_cast<int>(dims.size());
  for (int i = 0; i < rank; ++i) {
    const Dim from_a = i < rank - a.rank() ? Dim(1) : a[i - (rank - a.rank())];
    const Dim from_b = i < rank - b.rank() ? Dim(1) : b[i - (rank - b.rank())];
    dims[static_cast<size_t>(i)] = broadcast_dim(from_a, from_b);
  }
  return Shape(std::move(dims));
}

Dims broadcast(std::span<const int64_t> a, std::span<const int64_t> b) {
  return *broadcast(Shape(Dims(a.begin(), a.end())), Shape(Dims(b.begin(), b.end()))).known_dims();
}

}  // namespace tinyc
