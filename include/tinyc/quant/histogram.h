// A histogram of floats that does not depend on the order, the batching, the threads or the shards in which it saw
// them.
//
// Bin k counts the values with floor(x / 2^exponent) = k. The exponent is the smallest with which the bins from 0 to
// the furthest value on either side number at most kMaxBins; when a value falls outside, neighbouring bins are merged.
// Because floor(floor(y) / 2) = floor(y / 2), merged bins hold exactly what binning anew would have counted, and
// because the exponent is a function of the extremes alone, so is everything else: equal bags of values have equal
// histograms, bit for bit. Of the interval from 0 to the extremes, which is what a quantizer must cover, there are
// always more than kMaxBins / 2 - 2 bins (fewer only where floats themselves end, below 2^-99).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tinyc {

struct ValueRange {
  float low = 0.0F;
  float high = 0.0F;
  friend bool operator==(const ValueRange&, const ValueRange&) = default;
};

class Histogram {
 public:
  static constexpr int64_t kMaxBins = 8192;

  // Counts values and returns the smallest and largest finite one ([0, 0] when there is none). Infinite values are
  // counted aside, NaN too: neither is in the bins nor in the extremes. Cost: under two nanoseconds an element.
  ValueRange add(std::span<const float> values);
  void merge(const Histogram& other);

  bool empty() const { return total_ == 0; }
  uint64_t total() const { return total_; }        // finite values
  uint64_t zeros() const { return zeros_; }        // of these, exactly 0
  uint64_t infinite() const { return infinite_; }  // +Inf and -Inf
  uint64_t nan() const { return nan_; }
  float min() const { return range_.low; }  // 0 when empty
  float max() const { return range_.high; }

  int exponent() const { return exponent_; }
  double bin_width() const;
  int64_t first_bin() const { return first_; }  // index k of counts()[0]
  const std::vector<uint64_t>& counts() const { return counts_; }
  double bin_low(size_t idx) const;  // lower edge of counts()[idx]
  double bin_center(size_t idx) const;

  // For reading back what was written. Throws Error(kUsage) when the parts contradict each other.
  struct Parts {
    uint64_t zeros = 0, infinite = 0, nan = 0;
    ValueRange range;
    int exponent = 0;
    std::vector<uint64_t> counts;  // from the bin of range.low to the bin of range.high
  };
  static Histogram from_parts(Parts parts);
  friend bool operator==(const Histogram&, const Histogram&) = default;

 private:
  void cover(ValueRange range);
  void fill(std::span<const float> values, ValueRange range);

  int exponent_ = 0;
  int64_t first_ = 0;
  std::vector<uint64_t> counts_;
  ValueRange range_;
  uint64_t total_ = 0;
  uint64_t zeros_ = 0;
  uint64_t infinite_ = 0;
  uint64_t nan_ = 0;
};

}  // namespace tinyc
