// percentile: the range that holds p percent of all values.
//
// Over all values of all samples together (not a mean of per-batch quantiles, which would depend on the batching).
// Asymmetric: (100 - p) / 2 percent are cut off at either end. Symmetric: r is the p-quantile of |x|. Within the bin
// where the quantile falls, values are taken to be spread evenly. Cost: one walk over the bins.
#include <algorithm>

#include "quant/observers/bins.h"
#include "tinyc/quant/observer.h"

namespace tinyc {
namespace {

// The place below which `rank` values lie; counted from the lower edge of bin 0.
template <typename Count>
double place_of_rank(double rank, size_t bins, Count count) {
  double below = 0.0;
  for (size_t i = 0; i < bins; ++i) {
    const double here = count(i);
    if (here > 0.0 && below + here >= rank) return static_cast<double>(i) + std::max(rank - below, 0.0) / here;
    below += here;
  }
  return static_cast<double>(bins);
}

ValueRange choose(const ValueStatistics& statistics, const RangeRequest& request) {
  const Histogram& histogram = statistics.histogram;
  Bins bins = make_bins(histogram, request.symmetric, static_cast<size_t>(Histogram::kMaxBins));
  const auto zeros = static_cast<double>(histogram.zeros());  // a percentile is of all values
  if (zeros > 0.0 && bins.zero == bins.counts.size()) bins.counts.push_back(0.0);
  if (zeros > 0.0) bins.counts[bins.zero] += zeros;

  const size_t size = bins.counts.size();
  const auto total = static_cast<double>(histogram.total());
  const double outside = total * (1.0 - request.parameter / 100.0);
  const auto forward = [&](size_t i) { return bins.counts[i]; };
  const auto backward = [&](size_t i) { return bins.counts[size - 1 - i]; };
  const double origin = bins.low(0);
  if (request.symmetric) {
    const double cut = static_cast<double>(size) - place_of_rank(outside, size, backward);
    const auto reach = static_cast<float>(origin + cut * bins.width);
    return {-reach, reach};
  }
  const double low = place_of_rank(outside / 2, size, forward);
  const double high = static_cast<double>(size) - place_of_rank(outside / 2, size, backward);
  return {static_cast<float>(origin + low * bins.width), static_cast<float>(origin + high * bins.width)};
}

}  // namespace

extern constinit const ObserverDef k_observer_percentile{.name = "percentile",
                                                         .summary = "the range that holds a given part of all values",
                                                         .parameter = "percent",
                                                         .default_parameter = 99.999,
                                                         .min_parameter = 50.0,
                                                         .max_parameter = 100.0,
                                                         .choose = choose};

}  // namespace tinyc
