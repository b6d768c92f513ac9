// Observers: how a value's statistics become the range [low, high] that its integers cover. One constant struct per
// observer in src/quant/observers/NAME.cpp and one line in src/quant/observer_list.inc.
//
// Every range contains 0 and lies within [min(0, smallest), max(0, largest)] of what was seen; a symmetric one is
// [-r, r]. All are functions of the statistics alone, so they inherit their independence of order, batching and
// threads.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "tinyc/ir/tensor.h"
#include "tinyc/quant/histogram.h"

namespace tinyc {

// What calibration keeps of one value.
struct ValueStatistics {
  // Ranges of the last this many samples are kept, which is all that a moving average can feel: with the default weight
  // 0.01 all that lies further back together counts 0.6 %.
  static constexpr size_t kRecentSamples = 512;

  Histogram histogram;
  std::vector<ValueRange> recent;  // by sample, oldest first; empty for weights
  friend bool operator==(const ValueStatistics&, const ValueStatistics&) = default;
};

struct RangeRequest {
  int levels = 256;  // integers of the storage type that will be used: 2^bits
  bool symmetric = false;
  double parameter = 0.0;  // of the observer, see ObserverDef
};

struct ObserverDef {
  std::string_view name;     // "percentile": observers/percentile.cpp
  std::string_view summary;  // one line, for `tinyc list observers`
  // The one number that some observers take, written behind a colon: "percentile:99.99". Empty name: takes none.
  std::string_view parameter;
  double default_parameter = 0.0;
  double min_parameter = 0.0;
  double max_parameter = 0.0;
  ValueRange (*choose)(const ValueStatistics& statistics, const RangeRequest& request);
};

std::span<const ObserverDef* const> all_observers();

// An observer with its parameter.
struct Observer {
  const ObserverDef* def = nullptr;
  double parameter = 0.0;
  ValueRange range(const ValueStatistics& statistics, int levels, bool symmetric) const;
};

// "mse", "percentile:99.99". Throws Error(kUsage) with a spelling hint for an unknown name, and for a parameter that is
// no number, is out of bounds or is not taken.
Observer parse_observer(std::string_view text);

// The range of each slice of float `weights` along `axis`; axis -1: one range of the whole. Throws Error(kModel) for
// elements that are NaN or infinite.
std::vector<ValueRange> weight_ranges(const Tensor& weights, int axis, const Observer& observer, int levels,
                                      bool symmetric);

}  // namespace tinyc
