// Moving elements: a copy between two strided boxes.
//
// Axes that are contiguous on both sides are merged first, so a slice of whole rows becomes a few memcpys and a plain
// copy becomes one. What remains after merging is either an innermost run that is contiguous on both sides (memcpy per
// run), or a transposition: then the axis that is contiguous in the source is put next to the innermost one and the
// two are walked in square tiles, so that both sides stay within the cache. The order of the outer axes is free,
// because boxes do not overlap.
#include "ops/movement.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tinyc {
namespace {

struct Axis {
  int64_t size;
  int64_t from;  // strides in bytes
  int64_t to;
};

std::vector<Axis> merged_axes(size_t element, std::span<const int64_t> dims, const Dims& from, const Dims& to) {
  const auto bytes = static_cast<int64_t>(element);
  std::vector<Axis> axes;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) continue;
    const Axis axis{dims[i], from[i] * bytes, to[i] * bytes};
    if (!axes.empty() && axes.back().from == axis.from * axis.size && axes.back().to == axis.to * axis.size) {
      axes.back() = {axes.back().size * axis.size, axis.from, axis.to};
    } else {
      axes.push_back(axis);
    }
  }
  return axes;
}

// Calls visit(from, to) for each index of the outer axes.
template <typename Visit>
void for_each_outer(std::span<const Axis> axes, const std::byte* from, std::byte* to, const Visit& visit) {
  if (axes.empty()) return visit(from, to);
  for (int64_t i = 0; i < axes[0].size; ++i) {
    for_each_outer(axes.subspan(1), from + i * axes[0].from, to + i * axes[0].to, visit);
  }
}

template <size_t kBytes>
void copy_plane(const Axis& outer, const Axis& inner, const std::byte* from, std::byte* to) {
  constexpr int64_t kTile = 32;
  for (int64_t i0 = 0; i0 < outer.size; i0 += kTile) {
    for (int64_t j0 = 0; j0 < inner.size; j0 += kTile) {
      const int64_t i1 = std::min(i0 + kTile, outer.size);
      const int64_t j1 = std::min(j0 + kTile, inner.size);
      for (int64_t i = i0; i < i1; ++i) {
        const std::byte* source = from + i * outer.from + j0 * inner.from;
        std::byte* target = to + i * outer.to + j0 * inner.to;
        for (int64_t j = j0; j < j1; ++j, source += inner.from, target += inner.to) {
          std::memcpy(target, source, kBytes);
        }
      }
    }
  }
}

using CopyPlane = void (*)(const Axis&, const Axis&, const std::byte*, std::byte*);
CopyPlane plane_copier(size_t element) {
  switch (element) {
    case 1:
      return copy_plane<1>;
    case 2:
      return copy_plane<2>;
    case 4:
      return copy_plane<4>;
    case 8:
      return copy_plane<8>;
    default:
      TINYC_CHECK(element == 16);
      return copy_plane<16>;
  }
}

// Walks the mapped copy: `from` is where the axes before `axis` lead to in the source, -1 where they say fill.
class MappedCopy {
 public:
  MappedCopy(size_t element, std::span<const int64_t> in_dims, const std::byte* in, std::span<const AxisMap> maps,
             std::byte* out, const std::byte* fill)
      : maps_(maps), in_(in), out_(out), element_(element), fill_(fill) {
    rank_ = maps.size();
    while (rank_ > 1 && is_identity(maps[rank_ - 1], in_dims[rank_ - 1])) {
      --rank_;
      block_ *= in_dims[rank_];
    }
    strides_ = strides_of(in_dims);
  }

  void run() { copy(0, 0); }

 private:
  static bool is_identity(const AxisMap& map, int64_t size) {
    if (std::cmp_not_equal(map.size(), size)) return false;
    for (size_t i = 0; i < map.size(); ++i) {
      if (std::cmp_not_equal(map[i], i)) return false;
    }
    return true;
  }

  void put_fill(int64_t count) {
    fill_elements(element_, out_, fill_, count);
    out_ += count * static_cast<int64_t>(element_);
  }
  void put(int64_t from, int64_t count) {
    const size_t bytes = static_cast<size_t>(count) * element_;
    std::memcpy(out_, in_ + from * static_cast<int64_t>(element_), bytes);
    out_ += bytes;
  }

  void copy(size_t axis, int64_t from) {
    if (axis == rank_) return put(from, block_);
    const AxisMap& map = maps_[axis];
    if (axis + 1 < rank_) {
      int64_t below = block_;
      for (size_t i = axis + 1; i < rank_; ++i) below *= static_cast<int64_t>(maps_[i].size());
      for (const int64_t at : map) at < 0 ? put_fill(below) : copy(axis + 1, from + at * strides_[axis]);
      return;
    }
    for (size_t i = 0; i < map.size();) {
      size_t end = i + 1;
      const int64_t step = map[i] < 0 ? 0 : 1;
      while (end < map.size() && map[end] == map[end - 1] + step) ++end;
      const int64_t count = static_cast<int64_t>(end - i) * block_;
      map[i] < 0 ? put_fill(count) : put(from + map[i] * strides_[axis], count);
      i = end;
    }
  }

  std::span<const AxisMap> maps_;
  const std::byte* in_;
  std::byte* out_;
  size_t element_;
  const std::byte* fill_;
  size_t rank_ = 0;
  int64_t block_ = 1;
  Dims strides_;
};

}  // namespace

size_t element_bytes(DataType dtype) {
  const int bits = bits_of(dtype);
  if (bits == 0 || bits % 8 != 0) {
    throw Error(ErrorKind::kModel, "elements of type " + std::string(name_of(dtype)) + " cannot be moved one by one");
  }
  return static_cast<size_t>(bits / 8);
}

Dims strides_of(std::span<const int64_t> dims) {
  Dims strides(dims.size());
  int64_t stride = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= dims[i];
  }
  return strides;
}

void copy_box(size_t element, std::span<const int64_t> dims, const ConstBox& from, const Box& to) {
  if (element_count(dims) == 0) return;
  const auto bytes = static_cast<int64_t>(element);
  std::vector<Axis> axes = merged_axes(element, dims, from.strides, to.strides);
  if (axes.empty()) axes.push_back({1, bytes, bytes});
  const Axis inner = axes.back();
  axes.pop_back();
  if (inner.from == bytes && inner.to == bytes) {
    const auto run = static_cast<size_t>(inner.size) * element;
    return for_each_outer(axes, from.first, to.first,
                          [run](const std::byte* f, std::byte* t) { std::memcpy(t, f, run); });
  }
  Axis outer{1, 0, 0};
  const auto contiguous = std::find_if(axes.begin(), axes.end(), [&](const Axis& axis) { return axis.from == bytes; });
  if (contiguous != axes.end()) {
    outer = *contiguous;
    axes.erase(contiguous);
  } else if (!axes.empty()) {
    outer = axes.back();
    axes.pop_back();
  }
  const CopyPlane copy = plane_copier(element);
  for_each_outer(axes, from.first, to.first, [&](const std::byte* f, std::byte* t) { copy(outer, inner, f, t); });
}

void copy_mapped(size_t element, std::span<const int64_t> in_dims, const std::byte* in, std::span<const AxisMap> maps,
                 std::byte* out, const std::byte* fill) {
  MappedCopy(element, in_dims, in, maps, out, fill).run();
}

void fill_elements(size_t element, std::byte* to, const std::byte* value, int64_t count) {
  for (int64_t i = 0; i < count; ++i) std::memcpy(to + i * static_cast<int64_t>(element), value, element);
}

void copy_input(EvalContext& c) {
  const Tensor& in = c.input(0);
  Tensor& out = c.output(0);
  if (in.byte_size() > 0 && out.bytes() != in.bytes()) std::memcpy(out.mutable_bytes(), in.bytes(), in.byte_size());
}

int64_t count_between(std::span<const int64_t> dims, int from, int to) {
  return element_count(dims.subspan(static_cast<size_t>(from), static_cast<size_t>(to - from)));
}

int64_t checked_index(int64_t index, int64_t size) {
  if (index < -size || index >= size) {
    throw Error(ErrorKind::kModel,
                "index " + std::to_string(index) + " is outside a dimension of " + std::to_string(size));
  }
  return index < 0 ? index + size : index;
}

}  // namespace tinyc
