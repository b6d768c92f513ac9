// entropy: the range whose quantized distribution tells least apart from the real one (Kullback-Leibler divergence).
//
// Problem: a wide range spends its levels on rare values, a narrow one clips them. Formula: for a window of bins, P is
// the histogram in the window with what lies outside added to its edge bins, and Q is the same histogram without the
// outside, averaged over as many groups of neighbouring bins as there are levels (the average is spread over a group's
// bins that are not empty). The window with the least KL(P || Q) = sum p log(p / q) wins; of equal ones the widest.
//
// Symmetric: magnitudes, windows from 0, half the levels (2048 to 4096 bins against 128 levels for int8). Asymmetric:
// all levels, and both ends move: the upper end is searched with the lower one fixed, then the other way round, until
// neither moves. Exact zeros are left out (every range represents them), so that the spike behind a Relu does not rule.
// An empty edge bin that takes clipped values counts as one value in Q, for the divergence to stay finite.
//
// Method: with prefix sums of counts, of non-empty bins and of c log c, a window costs one logarithm per level instead
// of a walk over its bins. Each end is tried at every eighth bin, then at every bin around the best: about a
// millisecond a value. Source: S. Migacz, 8-bit inference with TensorRT, 2017.
#include "quant/observers/entropy.h"

#include <algorithm>
#include <cmath>

#include "quant/observers/bins.h"
#include "tinyc/quant/observer.h"

namespace tinyc {
namespace {

constexpr size_t kMaxBins = 4096;
constexpr size_t kStride = 8;
constexpr int kMaxRounds = 4;

double x_log_x(double x) {
  return x > 0.0 ? x * std::log(x) : 0.0;
}

class Search {
 public:
  Search(const Bins& bins, size_t levels) : bins_(bins), divergence_(bins.counts, levels), levels_(levels) {}

  Window run() {
    Window best{0, bins_.counts.size()};
    for (int round = 0; round < kMaxRounds; ++round) {
      const Window before = best;
      if (bins_.zero < best.end) move_end(best);
      if (bins_.zero > best.begin) move_begin(best);
      if (before == best) break;
    }
    return best;
  }

 private:
  void move_end(Window& best) const {
    const size_t least = std::max(best.begin + levels_, bins_.zero);
    best.end = search(least, bins_.counts.size(), true, [&](size_t end) { return Window{best.begin, end}; });
  }

  void move_begin(Window& best) const {
    if (best.end < levels_) return;
    const size_t most = std::min(best.end - levels_, bins_.zero);
    best.begin = search(0, most, false, [&](size_t begin) { return Window{begin, best.end}; });
  }

  // The best place from `low` to `high`, walking from the wide end.
  template <typename MakeWindow>
  size_t search(size_t low, size_t high, bool from_high, MakeWindow window) const {
    if (low >= high) return from_high ? high : low;
    size_t best = from_high ? high : low;
    double least = divergence_(window(best));
    const auto walk = [&](size_t from, size_t to, size_t stride) {
      for (size_t step = 0; step <= to - from; step += stride) {
        const size_t place = from_high ? to - step : from + step;
        const double value = divergence_(window(place));
        if (value < least) {
          least = value;
          best = place;
        }
      }
    };
    walk(low, high, kStride);
    walk(std::max(low + kStride, best) - kStride, std::min(high, best + kStride), 1);
    return best;
  }

  const Bins& bins_;
  Divergence divergence_;
  size_t levels_;
};

ValueRange choose(const ValueStatistics& statistics, const RangeRequest& request) {
  const Bins bins = make_bins(statistics.histogram, request.symmetric, kMaxBins);
  const auto levels = static_cast<size_t>(request.symmetric ? std::max(request.levels / 2, 1) : request.levels);
  if (bins.counts.size() <= levels) return {statistics.histogram.min(), statistics.histogram.max()};
  const Window window = Search(bins, levels).run();
  const auto high = static_cast<float>(bins.low(window.end));
  return {request.symmetric ? -high : static_cast<float>(bins.low(window.begin)), high};
}

}  // namespace

Divergence::Divergence(const std::vector<double>& counts, size_t levels) : counts_(counts), levels_(levels) {
  const size_t size = counts.size() + 1;
  mass_.resize(size);
  filled_.resize(size);
  x_log_x_.resize(size);
  for (size_t i = 0; i < counts.size(); ++i) {
    mass_[i + 1] = mass_[i] + counts[i];
    filled_[i + 1] = filled_[i] + (counts[i] > 0.0 ? 1.0 : 0.0);
    x_log_x_[i + 1] = x_log_x_[i] + x_log_x(counts[i]);
  }
}

double Divergence::operator()(Window window) const {
  const double total = mass_.back();
  if (total == 0.0) return 0.0;
  const size_t first = window.begin;
  const size_t last = window.end - 1;
  const double before = mass_[window.begin];
  const double after = total - mass_[window.end];
  const bool invent_first = before > 0.0 && counts_[first] == 0.0;
  const bool invent_last = after > 0.0 && counts_[last] == 0.0;

  const double p_first = counts_[first] + before;
  const double p_last = counts_[last] + after;
  double p_log_p = x_log_x_[window.end] - x_log_x_[window.begin];
  p_log_p += x_log_x(p_first) - x_log_x(counts_[first]) + x_log_x(p_last) - x_log_x(counts_[last]);

  const size_t bins = window.end - window.begin;
  double p_log_q = 0.0;
  size_t begin = window.begin;
  for (size_t level = 1; level <= levels_; ++level) {
    const size_t end = window.begin + bins * level / levels_;
    double q = mass_[end] - mass_[begin];
    double p = q;
    double filled = filled_[end] - filled_[begin];
    if (level == 1) p += before;
    if (level == levels_) p += after;
    const double invented = (level == 1 && invent_first ? 1.0 : 0.0) + (level == levels_ && invent_last ? 1.0 : 0.0);
    q += invented;
    filled += invented;
    if (p > 0.0) p_log_q += p * std::log(q / filled);
    begin = end;
  }
  const double q_total = total - before - after + (invent_first ? 1.0 : 0.0) + (invent_last ? 1.0 : 0.0);
  return (p_log_p - p_log_q) / total + std::log(q_total / total);
}

extern constinit const ObserverDef k_observer_entropy{
    .name = "entropy",
    .summary = "least Kullback-Leibler divergence between the values and their quantized form",
    .parameter = "",
    .choose = choose};

}  // namespace tinyc
