// Integer constants as indices into a table of values, or of vectors of values: what emit/gather.cpp writes.
#pragma once

#include <optional>
#include <vector>

#include "tinyc/ir/tensor.h"

namespace tinyc {

struct Codes {
  std::vector<int64_t> perm;     // axes in the order in which vectors lie; empty: as they are
  int64_t length = 1;            // elements of a vector
  std::vector<int64_t> entries;  // vectors one behind the other
  std::vector<uint8_t> indices;
  int bits = 1;  // of an index: 1, 2, 4 or 8

  int64_t bytes() const;  // entries of a byte an element, and packed indices
};

// The shortest codes of a constant with integers of at most 8 bits. Vectors are neighbours along any one axis, those
// before and behind it in their order, and those of several last axes (kernels). Nothing where there are none of at
// most 256 entries, or where they save no more than `least_saved` bytes.
std::optional<Codes> shortest_codes(const Tensor& constant, int64_t least_saved);

}  // namespace tinyc
