// Moving elements without looking at them: what Transpose, Slice, Pad and their kin have in common.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "tinyc/ops/op.h"

namespace tinyc {

// Bytes of one element. Throws Error(kModel) for types packed below a byte and for strings: their elements cannot be
// moved one by one.
size_t element_bytes(DataType dtype);

// Strides of a tensor in C order, in elements.
Dims strides_of(std::span<const int64_t> dims);

// A box of elements somewhere in a buffer: where its first element is, and how far apart neighbours along each axis
// are, in elements (zero repeats, negative runs backwards).
struct ConstBox {
  const std::byte* first;
  Dims strides;
};
struct Box {
  std::byte* first;
  Dims strides;
};

// Copies `dims` elements of `element` bytes each from one box to another. The boxes do not overlap.
void copy_box(size_t element, std::span<const int64_t> dims, const ConstBox& from, const Box& to);

// out[i, j, ...] = in[maps[0][i], maps[1][j], ...], or the element at `fill` where any map says -1. Both in C order.
using AxisMap = std::vector<int64_t>;
void copy_mapped(size_t element, std::span<const int64_t> in_dims, const std::byte* in, std::span<const AxisMap> maps,
                 std::byte* out, const std::byte* fill);

// Repeats the element at `value` over `count` places.
void fill_elements(size_t element, std::byte* to, const std::byte* value, int64_t count);

// The kernel of ops whose output is operand 0's bytes under other dims.
void copy_input(EvalContext& c);

// Product of dims [from, to).
int64_t count_between(std::span<const int64_t> dims, int from, int to);

// `index` counted from the front. Throws Error(kModel) outside [-size, size).
int64_t checked_index(int64_t index, int64_t size);

}  // namespace tinyc
