// Least squares of y against a q + b, channel by channel, from sums in double:
//   a = cov(y, q) / var(q),  b = mean(y) - a mean(q)
//   error = sum of (y - a q - b)^2 = yy - 2a yq - 2b y + a^2 qq + 2ab q + n b^2
#include "tinyc/quant/channel_fit.h"

#include <algorithm>

namespace tinyc {
namespace {

constexpr double kSmallestGain = 0.5, kLargestGain = 2.0;
constexpr double kLeastVariance = 1e-9;  // of a channel's mean square; below, its numbers are all the same

}  // namespace

void ChannelSums::merge(const ChannelSums& other) {
  count += other.count;
  wanted += other.wanted;
  now += other.now;
  wanted_wanted += other.wanted_wanted;
  now_now += other.now_now;
  wanted_now += other.wanted_now;
}

void add_channels(std::vector<ChannelSums>& sums, const Tensor& wanted, const Tensor& now, int axis) {
  const Dims& dims = wanted.dims();
  const auto channels = static_cast<size_t>(dims[static_cast<size_t>(axis)]);
  const auto inner = static_cast<size_t>(element_count(std::span(dims).subspan(static_cast<size_t>(axis) + 1)));
  sums.resize(channels);
  const auto y = wanted.data<float>(), q = now.data<float>();
  for (size_t i = 0; i < y.size(); ++i) {
    ChannelSums& sum = sums[i / inner % channels];
    const double yi = static_cast<double>(y[i]), qi = static_cast<double>(q[i]);
    sum.count += 1;
    sum.wanted += yi;
    sum.now += qi;
    sum.wanted_wanted += yi * yi;
    sum.now_now += qi * qi;
    sum.wanted_now += yi * qi;
  }
}

std::vector<ChannelMap> fit_channels(std::span<const ChannelSums> sums, bool gains) {
  std::vector<ChannelMap> maps(sums.size());
  for (size_t c = 0; c < sums.size(); ++c) {
    const ChannelSums& s = sums[c];
    if (s.count <= 0) continue;
    const double wanted = s.wanted / s.count, now = s.now / s.count;
    const double variance = s.now_now / s.count - now * now, covariance = s.wanted_now / s.count - wanted * now;
    if (gains && variance > kLeastVariance * s.now_now / s.count) {
      maps[c].gain = std::clamp(covariance / variance, kSmallestGain, kLargestGain);
    }
    maps[c].shift = wanted - maps[c].gain * now;
  }
  return maps;
}

double error_of(std::span<const ChannelSums> sums, std::span<const ChannelMap> maps) {
  double error = 0;
  for (size_t c = 0; c < sums.size(); ++c) {
    const ChannelSums& s = sums[c];
    const auto [a, b] = maps[c];
    error += s.wanted_wanted - 2 * a * s.wanted_now - 2 * b * s.wanted + a * a * s.now_now + 2 * a * b * s.now +
             s.count * b * b;
  }
  return error;
}

}  // namespace tinyc
