#include "quant/observers/bins.h"

#include <algorithm>
#include <cmath>

namespace tinyc {

Bins make_bins(const Histogram& histogram, bool magnitudes, size_t max_bins) {
  const int64_t first = histogram.first_bin();
  const int64_t end = first + static_cast<int64_t>(histogram.counts().size());
  int64_t low = std::min<int64_t>(first, 0);
  int64_t high = std::max<int64_t>(end, 0);
  if (magnitudes) {
    high = std::max(high, -low);
    low = 0;
  }
  int shift = 0;
  const auto coarse_bins = [&] { return ((high - 1) >> shift) - (low >> shift) + 1; };
  while (coarse_bins() > static_cast<int64_t>(max_bins)) ++shift;

  Bins bins;
  bins.width = std::ldexp(histogram.bin_width(), shift);
  bins.zero = static_cast<size_t>(-(low >> shift));
  bins.counts.assign(static_cast<size_t>(coarse_bins()), 0.0);
  for (int64_t bin = first; bin < end; ++bin) {
    uint64_t count = histogram.counts()[static_cast<size_t>(bin - first)];
    if (bin == 0) count -= std::min(count, histogram.zeros());
    const int64_t place = magnitudes && bin < 0 ? -bin - 1 : bin;
    bins.counts[static_cast<size_t>((place >> shift) - (low >> shift))] += static_cast<double>(count);
  }
  return bins;
}

}  // namespace tinyc
