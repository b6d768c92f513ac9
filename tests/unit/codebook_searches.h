// A search for codebooks, of two groups of rows of which those of the second differ in power.
#pragma once

#include "tinyc/quant/codebook_search.h"
#include "unit/random_error.h"

namespace tinyc::testing {

inline CodebookSearch codebook_search(int64_t rows, int64_t columns, int bits, int64_t length = 1) {
  CodebookSearch search;
  search.groups = {random_error(rows, columns, 5), random_error(rows, columns, 9)};
  size_t scales = 0;
  for (int g = 0; g < 2; ++g) {
    std::vector<size_t>& of_row = search.scale_of.emplace_back();
    for (int64_t r = 0; r < rows; ++r) of_row.push_back(scales++);
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (double& t : search.groups[1].target.row(r)) t *= 1.0 + static_cast<double>(r);
  }
  search.smallest.assign(scales, 0.0);
  search.bits = bits;
  search.length = length;
  return search;
}

}  // namespace tinyc::testing
