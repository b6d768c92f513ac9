// How a value gets into its bin fast. One pass finds the extremes, the zeros and whether anything is not finite; then
// the exponent is fixed and a second pass over blocks that are still in the cache computes the bin numbers (scaling by
// a power of two is exact, truncation is corrected to floor), all in vector code. The counting itself is scalar: four
// tables in turn, so that a run of equal values (zeros behind a Relu) does not wait for its own stores.
#include "tinyc/quant/histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

constexpr int kMinExponent = -112;  // 2^112 and 2^-116 are normal floats
constexpr size_t kLanes = 16;
constexpr size_t kBlock = 2048;
constexpr size_t kTables = 4;

int64_t bin_of(float value, int exponent) {
  return static_cast<int64_t>(std::floor(std::ldexp(static_cast<double>(value), -exponent)));
}

int64_t bins_from_zero(ValueRange range, int exponent) {
  return bin_of(std::max(range.high, 0.0F), exponent) - bin_of(std::min(range.low, 0.0F), exponent) + 1;
}

int exponent_for(ValueRange range) {
  const float furthest = std::max(std::abs(range.low), std::abs(range.high));
  int exponent = kMinExponent;
  if (furthest > 0.0F) exponent = std::max(exponent, std::ilogb(furthest) - 14);
  while (bins_from_zero(range, exponent) > Histogram::kMaxBins) ++exponent;
  return exponent;
}

struct Scan {
  ValueRange range{std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
  uint64_t zeros = 0;
  bool finite = true;
};

void scan_one(float x, Scan& scan) {
  scan.range.low = std::min(scan.range.low, x);
  scan.range.high = std::max(scan.range.high, x);
  scan.zeros += x == 0.0F ? 1 : 0;
  scan.finite = scan.finite && std::isfinite(x);
}

Scan scan_values(std::span<const float> values) {
  Scan scan;
  std::array<float, kLanes> low;
  std::array<float, kLanes> high;
  std::array<float, kLanes> poison{};  // x * 0 is NaN for what is not finite, and stays so when summed
  std::array<uint32_t, kLanes> zeros{};
  low.fill(scan.range.low);
  high.fill(scan.range.high);
  const size_t whole = values.size() / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) {
      const float x = values[i + j];
      low[j] = x < low[j] ? x : low[j];
      high[j] = x > high[j] ? x : high[j];
      poison[j] += x * 0.0F;
      zeros[j] += x == 0.0F ? 1U : 0U;
    }
  }
  for (size_t j = 0; j < kLanes; ++j) {
    scan.range.low = std::min(scan.range.low, low[j]);
    scan.range.high = std::max(scan.range.high, high[j]);
    scan.zeros += zeros[j];
    scan.finite = scan.finite && poison[j] == 0.0F;
  }
  for (size_t i = whole; i < values.size(); ++i) scan_one(values[i], scan);
  // -0 and 0 are the same number: which of them was first must not show.
  scan.range.low += 0.0F;
  scan.range.high += 0.0F;
  return scan;
}

// bins[i] = floor(values[i] * 2^-exponent) - first. Real must hold the product exactly, or at least not as a zero:
// float does when it is not smaller than the value.
template <typename Real>
void bin_block(std::span<const float> values, int exponent, int32_t first, int32_t* bins) {
  const Real scale = std::ldexp(Real{1}, -exponent);
  for (size_t i = 0; i < values.size(); ++i) {
    const Real y = static_cast<Real>(values[i]) * scale;
    const auto truncated = static_cast<int32_t>(y);
    bins[i] = truncated - (y < static_cast<Real>(truncated) ? 1 : 0) - first;
  }
}

}  // namespace

double Histogram::bin_width() const {
  return std::ldexp(1.0, exponent_);
}

double Histogram::bin_low(size_t idx) const {
  return std::ldexp(static_cast<double>(first_ + static_cast<int64_t>(idx)), exponent_);
}

double Histogram::bin_center(size_t idx) const {
  return bin_low(idx) + bin_width() / 2;
}

ValueRange Histogram::add(std::span<const float> values) {
  constexpr size_t kMaxAtOnce = size_t{1} << 30U;  // the tables count in 32 bits
  if (values.empty()) return {};
  if (values.size() > kMaxAtOnce) {
    const ValueRange head = add(values.first(kMaxAtOnce));
    const ValueRange tail = add(values.subspan(kMaxAtOnce));
    return {std::min(head.low, tail.low), std::max(head.high, tail.high)};
  }
  const Scan scan = scan_values(values);
  if (!scan.finite) {
    std::vector<float> finite;
    for (const float x : values) {
      nan_ += std::isnan(x) ? 1 : 0;
      infinite_ += std::isinf(x) ? 1 : 0;
      if (std::isfinite(x)) finite.push_back(x);
    }
    return add(finite);
  }
  cover(scan.range);
  fill(values, scan.range);
  total_ += values.size();
  zeros_ += scan.zeros;
  return scan.range;
}

// Widens the extremes, coarsens the bins as far as that asks for, and makes room for all bins between the extremes.
void Histogram::cover(ValueRange range) {
  if (!empty()) range = {std::min(range.low, range_.low), std::max(range.high, range_.high)};
  const int exponent = exponent_for(range);
  const int64_t first = bin_of(range.low, exponent);
  const auto size = static_cast<size_t>(bin_of(range.high, exponent) - first + 1);
  if (!empty() && exponent == exponent_ && first == first_ && size == counts_.size()) {
    range_ = range;
    return;
  }
  std::vector<uint64_t> counts(size, 0);
  if (!empty()) {
    const int shift = exponent - exponent_;
    for (size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] == 0) continue;
      const int64_t bin =
          shift > 62 ? (first_ + static_cast<int64_t>(i) < 0 ? -1 : 0) : (first_ + static_cast<int64_t>(i)) >> shift;
      counts[static_cast<size_t>(bin - first)] += counts_[i];
    }
  }
  exponent_ = exponent;
  first_ = first;
  counts_ = std::move(counts);
  range_ = range;
}

void Histogram::fill(std::span<const float> values, ValueRange range) {
  const int64_t low = bin_of(range.low, exponent_);
  const auto used = static_cast<size_t>(bin_of(range.high, exponent_) - low + 1);
  std::array<int32_t, kBlock> bins;
  const bool worth_tables = values.size() > 4 * used;
  std::vector<uint32_t> tables(worth_tables ? kTables * used : 0);
  uint64_t* const counts = counts_.data() + (low - first_);
  for (size_t begin = 0; begin < values.size(); begin += kBlock) {
    const auto block = values.subspan(begin, std::min(kBlock, values.size() - begin));
    const auto bin = exponent_ <= 0 ? bin_block<float> : bin_block<double>;
    bin(block, exponent_, static_cast<int32_t>(low), bins.data());
    if (!worth_tables) {
      for (size_t i = 0; i < block.size(); ++i) ++counts[bins[i]];
      continue;
    }
    uint32_t* const table = tables.data();
    size_t i = 0;
    for (; i + kTables <= block.size(); i += kTables) {
      ++table[static_cast<size_t>(bins[i])];
      ++table[used + static_cast<size_t>(bins[i + 1])];
      ++table[2 * used + static_cast<size_t>(bins[i + 2])];
      ++table[3 * used + static_cast<size_t>(bins[i + 3])];
    }
    for (; i < block.size(); ++i) ++table[static_cast<size_t>(bins[i])];
  }
  if (!worth_tables) return;
  for (size_t i = 0; i < used; ++i) {
    counts[i] += uint64_t{tables[i]} + tables[used + i] + tables[2 * used + i] + tables[3 * used + i];
  }
}

void Histogram::merge(const Histogram& other) {
  nan_ += other.nan_;
  infinite_ += other.infinite_;
  if (other.empty()) return;
  cover(other.range_);
  const int shift = exponent_ - other.exponent_;
  for (size_t i = 0; i < other.counts_.size(); ++i) {
    const int64_t bin = other.first_ + static_cast<int64_t>(i);
    const int64_t merged = shift > 62 ? (bin < 0 ? -1 : 0) : bin >> shift;
    counts_[static_cast<size_t>(merged - first_)] += other.counts_[i];
  }
  total_ += other.total_;
  zeros_ += other.zeros_;
}

Histogram Histogram::from_parts(Parts parts) {
  const auto fail = [](const char* what) {
    throw Error(ErrorKind::kUsage, std::string("histogram: ") + what,
                "the statistics file is damaged: calibrate again");
  };
  Histogram made;
  made.nan_ = parts.nan;
  made.infinite_ = parts.infinite;
  if (parts.counts.empty()) return made;
  const ValueRange range = parts.range;
  if (!std::isfinite(range.low) || !std::isfinite(range.high) || range.low > range.high) fail("bad extremes");
  if (parts.exponent != exponent_for(range)) fail("the bin width does not fit the extremes");
  made.cover(range);
  if (parts.counts.size() != made.counts_.size()) fail("the number of bins does not fit the extremes");
  for (const uint64_t count : parts.counts) {
    if (count > std::numeric_limits<uint64_t>::max() - made.total_) fail("the counts overflow");
    made.total_ += count;
  }
  if (parts.counts.front() == 0 || parts.counts.back() == 0) fail("an outer bin is empty");
  if (parts.zeros > made.total_) fail("more zeros than values");
  made.zeros_ = parts.zeros;
  made.counts_ = std::move(parts.counts);
  return made;
}

}  // namespace tinyc
