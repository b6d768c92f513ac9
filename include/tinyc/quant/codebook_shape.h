// How a layer's weights are cut into what indices stand for.
//
// A codebook of 2^b vectors of n weights takes 2^b n bytes, its indices b / 8 bytes for every n weights. Where a layer
// is too small for what is asked for, vectors get shorter at the same bits a weight, until the codebook takes no more
// than the indices do; kernels keep their length and get fewer bits. Lengths divide the row.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tinyc/ops/linear.h"

namespace tinyc {

struct CodebookShape {
  int bits = 8;                // of an index
  int64_t length = 1;          // weights that it stands for
  std::vector<int64_t> order;  // columns, those that an index stands for behind each other; empty: as they are
};

inline constexpr int64_t kLongestVector = 64;

// `vector`: weights that an index of `bits` bits is to stand for, neighbours among the inputs of a tap; 0: the taps of
// an input. `taps`: elements of a kernel (1 for a matrix). `rows`: those that share a codebook. Nothing where kernels
// are asked for and the layer has none, or too few or too large ones.
std::optional<CodebookShape> codebook_shape(int bits, int64_t vector, const LinearForm& form, int64_t taps,
                                            int64_t rows);

}  // namespace tinyc
