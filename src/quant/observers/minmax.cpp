// minmax: the range is what was seen, from the smallest value to the largest. Nothing is clipped; one outlier decides.
#include "tinyc/quant/observer.h"

namespace tinyc {
namespace {

ValueRange choose(const ValueStatistics& statistics, const RangeRequest&) {
  return {statistics.histogram.min(), statistics.histogram.max()};
}

}  // namespace

extern constinit const ObserverDef k_observer_minmax{.name = "minmax",
                                                     .summary = "smallest and largest value seen; nothing is clipped",
                                                     .parameter = "",
                                                     .choose = choose};

}  // namespace tinyc
