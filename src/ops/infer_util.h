// Small questions that shape inference asks again and again: what is known of an operand that holds sizes, and
// arithmetic on dims that may be open.
#pragma once

#include <optional>
#include <vector>

#include "tinyc/ops/op.h"

namespace tinyc {

// No op makes a tensor of more dims than this; a model that asks for more is refused or left open.
inline constexpr int kMaxRank = 64;

// The elements of an integer operand where all are known, from its value or from what shape arithmetic says of it.
std::optional<std::vector<int64_t>> known_ints(const InferContext& c, int idx);

// The elements of an operand that lists sizes, as far as they are known. Throws when one of them is negative.
std::optional<Shape> sizes_value(const InferContext& c, int idx);

// Like known_ints for an operand of at most one element; throws unless there is exactly one.
std::optional<int64_t> known_scalar(const InferContext& c, int idx);

// The elements of a data operand as dims, when it is a small integer tensor such as shape arithmetic passes around.
std::optional<Shape> shape_arithmetic(const InferContext& c, int idx);

// How many elements an operand has that is a list, or one element without a dim; -1 when unknown. Throws when its rank
// is known and is above 1.
int64_t vector_length(const InferContext& c, int idx);

// Every dim open.
Shape open_shape(int rank);

// Known when all are known; the open one itself when the others are ones; else open. Throws on overflow.
Dim product(std::span<const Dim> dims);
Dim sum(const Dim& a, const Dim& b);

// What is certain of a dim of which two things are said. Throws Error(kModel) when they contradict.
Dim merge(const Dim& a, const Dim& b);
// What is certain of a value that has one of two shapes.
Shape common_shape(const Shape& a, const Shape& b);

// `axes` counted from the front, each in [0, rank) and none twice.
std::vector<int> normalize_axes(std::span<const int64_t> axes, int rank);

// The attribute `axes`, normalized; every axis when it is absent.
std::vector<int> listed_axes(const Node& node, int rank);

// Output 0 has the elements of operand 0 in the same order; says so of shape arithmetic.
void forward_dims_value(InferContext& c);

// Size of a dim where known, else 1: for estimates of cost.
inline int64_t size_or_one(const Dim& dim) {
  return dim.known() ? dim.value : 1;
}

}  // namespace tinyc
