// ema: exponential moving average of the samples' ranges.
//
// Problem: one odd sample widens min-max for all. Formula, per end, over the samples in order: r_1 = x_1,
// r_i = (1 - a) * r_(i-1) + a * x_i with a = 0.01, where x_i is the smallest (largest) value of sample i. The order
// of samples is part of the definition here, so statistics keep the ranges of the last ValueStatistics::kRecentSamples
// samples in order and the average runs over these; what is older would weigh (1 - a)^512, 0.6 %. Weights have no
// samples: for them this is min-max. Source: Jacob et al., Quantization and training of neural networks, 2018,
// section 3.1.
#include "tinyc/quant/observer.h"

namespace tinyc {
namespace {

ValueRange choose(const ValueStatistics& statistics, const RangeRequest& request) {
  if (statistics.recent.empty()) return {statistics.histogram.min(), statistics.histogram.max()};
  double low = statistics.recent.front().low;
  double high = statistics.recent.front().high;
  for (const ValueRange& sample : statistics.recent) {
    low += request.parameter * (sample.low - low);
    high += request.parameter * (sample.high - high);
  }
  return {static_cast<float>(low), static_cast<float>(high)};
}

}  // namespace

extern constinit const ObserverDef k_observer_ema{
    .name = "ema",
    .summary = "moving average of the samples' smallest and largest values",
    .parameter = "weight of the newest sample",
    .default_parameter = 0.01,
    .min_parameter = 0.001,
    .max_parameter = 1.0,
    .choose = choose};

}  // namespace tinyc
