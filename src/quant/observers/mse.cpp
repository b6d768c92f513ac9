// mse: the range with the least mean squared error between the values and their quantized form.
//
// Problem: the step of the grid grows with the range, the clipping error shrinks with it; their sum has a minimum.
// Formula: E(low, high) = sum over bins of count * (x - quantize(x))^2 with x the bin's centre and the very grid that
// the range will give, its zero point rounded. Where the step is not clearly wider than a bin (16 bit), centres say
// nothing about rounding, and step^2 / 12, the error of evenly spread values, stands for it; clipping is still summed.
//
// Method: both ends together are tried at fractions of their full reach, fiftieths first, then finer around the best;
// then the upper end alone with the lower one fixed, and the other way round, twice. Symmetric: one end. Exact zeros
// never err and are left out. Cost: under 400 walks over at most 4096 bins that are not empty, half a millisecond.
// Right, because E is smooth but for small teeth, so the finest walk finds a point within a tooth of the minimum.
// Source: Sung et al., Resiliency of deep neural networks under quantization, 2015; for the grid Krishnamoorthi, 2018.
#include <algorithm>
#include <array>
#include <cmath>

#include "quant/observers/bins.h"
#include "tinyc/quant/observer.h"

namespace tinyc {
namespace {

constexpr size_t kMaxBins = 4096;
constexpr size_t kLanes = 4;

struct Grid {
  double scale;
  double low;  // in steps: q_min - zero_point
  double high;
};

Grid grid_of(double low, double high, const RangeRequest& request) {
  if (request.symmetric) {
    const double half = std::max((request.levels - 1) / 2, 1);
    return {high / half, -half, half};
  }
  const double steps = request.levels - 1;
  const double scale = (high - low) / steps;
  const double zero_point = std::nearbyint(-low / scale);
  return {scale, -zero_point, steps - zero_point};
}

class SquaredError {
 public:
  SquaredError(const Bins& bins, const RangeRequest& request) : request_(request), width_(bins.width) {
    for (size_t i = 0; i < bins.counts.size(); ++i) {
      if (bins.counts[i] == 0.0) continue;
      x_.push_back(bins.center(i));
      count_.push_back(bins.counts[i]);
    }
    x_.resize((x_.size() + kLanes - 1) / kLanes * kLanes, 0.0);
    count_.resize(x_.size(), 0.0);
  }

  double operator()(double low, double high) const {
    if (!(high > low)) return sum([](double x) { return x; });
    const Grid grid = grid_of(low, high, request_);
    const double inverse = 1.0 / grid.scale;
    if (grid.scale < 4 * width_) {
      const double rounding = grid.scale / std::sqrt(12.0);
      return sum([&](double x) {
        const double clipped = std::min(std::max(x, grid.low * grid.scale), grid.high * grid.scale);
        return x == clipped ? rounding : x - clipped;
      });
    }
    return sum([&](double x) {
      constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: adding and taking it away rounds half to even
      const double steps = std::min(std::max(x * inverse, grid.low), grid.high);
      return x - ((steps + kRound) - kRound) * grid.scale;
    });
  }

 private:
  template <typename ErrorOf>
  double sum(ErrorOf error_of) const {
    std::array<double, kLanes> lanes{};
    for (size_t i = 0; i < x_.size(); i += kLanes) {
      for (size_t j = 0; j < kLanes; ++j) {
        const double error = error_of(x_[i + j]);
        lanes[j] += count_[i + j] * error * error;
      }
    }
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
  }

  RangeRequest request_;
  double width_;
  std::vector<double> x_, count_;
};

// The fraction in (0, 1] with the least error; the largest of equals.
template <typename ErrorAt>
double best_fraction(ErrorAt error_at) {
  double best = 1.0;
  double least = error_at(best);
  const auto walk = [&](double from, double to, int steps) {
    for (int i = 0; i < steps; ++i) {
      const double fraction = to - (to - from) * i / steps;
      const double error = error_at(fraction);
      if (error < least) {
        least = error;
        best = fraction;
      }
    }
  };
  walk(0.0, 1.0, 50);
  walk(std::max(best - 0.02, 0.0), std::min(best + 0.02, 1.0), 16);
  walk(std::max(best - 0.0025, 0.0), std::min(best + 0.0025, 1.0), 10);
  return best;
}

ValueRange choose(const ValueStatistics& statistics, const RangeRequest& request) {
  const Bins bins = make_bins(statistics.histogram, request.symmetric, kMaxBins);
  const SquaredError error(bins, request);
  const double least = std::min(statistics.histogram.min(), 0.0F);
  const double most = std::max(statistics.histogram.max(), 0.0F);
  if (request.symmetric) {
    const double reach = std::max(-least, most);
    const double high = reach * best_fraction([&](double f) { return error(-f * reach, f * reach); });
    return {static_cast<float>(-high), static_cast<float>(high)};
  }
  const double both = best_fraction([&](double f) { return error(f * least, f * most); });
  double low = both * least;
  double high = both * most;
  for (int round = 0; round < 2; ++round) {
    if (most > 0.0) high = most * best_fraction([&](double f) { return error(low, f * most); });
    if (least < 0.0) low = least * best_fraction([&](double f) { return error(f * least, high); });
    if (least == 0.0 || most == 0.0) break;
  }
  return {static_cast<float>(low), static_cast<float>(high)};
}

}  // namespace

extern constinit const ObserverDef k_observer_mse{
    .name = "mse", .summary = "least mean squared error of the quantized values", .parameter = "", .choose = choose};

}  // namespace tinyc
