// A histogram as the searching observers want it: exact zeros taken out (every range represents 0 exactly, so zeros are
// right whatever the range), bins from 0 or below to 0 or above, at most `max_bins` of them, or folded to magnitudes.
#pragma once

#include <cstdint>
#include <vector>

#include "tinyc/quant/histogram.h"

namespace tinyc {

struct Bins {
  double width = 0.0;
  size_t zero = 0;             // index of the bin that starts at 0; == counts.size() when all values are negative
  std::vector<double> counts;  // integers
  double low(size_t idx) const { return (static_cast<double>(idx) - static_cast<double>(zero)) * width; }
  double center(size_t idx) const { return low(idx) + width / 2; }
};

Bins make_bins(const Histogram& histogram, bool magnitudes, size_t max_bins);

}  // namespace tinyc
