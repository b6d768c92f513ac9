#include "tinyc/quant/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "tinyc/base/error.h"
#include "tinyc/base/rng.h"

namespace tinyc {
namespace {

std::vector<float> mixed_values(Rng& rng, size_t count) {
  std::vector<float> values(count);
  const double width = std::ldexp(1.0, static_cast<int>(rng.below(40)) - 20);
  for (float& x : values) {
    x = static_cast<float>(rng.normal() * width);
    if (rng.below(4) == 0) x = rng.below(2) == 0 ? 0.0F : -0.0F;
    if (rng.below(500) == 0) x *= 1000.0F;
  }
  return values;
}

// The definition, value by value.
std::map<int64_t, uint64_t> count_plainly(const std::vector<float>& values, int exponent) {
  std::map<int64_t, uint64_t> counts;
  for (const float x : values) ++counts[static_cast<int64_t>(std::floor(std::ldexp(double{x}, -exponent)))];
  return counts;
}

TEST(Histogram, CountsByDefinition) {
  Rng rng(1);
  for (int round = 0; round < 50; ++round) {
    const std::vector<float> values = mixed_values(rng, 1 + rng.below(60000));
    Histogram histogram;
    const ValueRange range = histogram.add(values);
    EXPECT_EQ(range.low, *std::min_element(values.begin(), values.end()));
    EXPECT_EQ(range.high, *std::max_element(values.begin(), values.end()));
    EXPECT_EQ(histogram.zeros(), static_cast<uint64_t>(std::count(values.begin(), values.end(), 0.0F)));
    std::map<int64_t, uint64_t> counts;
    for (size_t i = 0; i < histogram.counts().size(); ++i) {
      if (histogram.counts()[i] > 0) counts[histogram.first_bin() + static_cast<int64_t>(i)] = histogram.counts()[i];
    }
    EXPECT_EQ(counts, count_plainly(values, histogram.exponent()));
    const double covered = std::max(range.high, 0.0F) - std::min(range.low, 0.0F);
    EXPECT_LE(covered / histogram.bin_width(), 8192.0);
    if (covered > 0) {
      EXPECT_GE(covered / histogram.bin_width(), 2048.0);
    }
  }
}

TEST(Histogram, AnySplitAndOrderGivesTheSame) {
  Rng rng(2);
  for (int round = 0; round < 50; ++round) {
    std::vector<float> values = mixed_values(rng, 5000);
    Histogram whole;
    whole.add(values);
    std::vector<Histogram> shards(1 + rng.below(5));
    for (size_t i = values.size() - 1; i > 0; --i) std::swap(values[i], values[rng.below(i + 1)]);
    for (size_t begin = 0; begin < values.size();) {
      const size_t count = std::min<size_t>(1 + rng.below(700), values.size() - begin);
      shards[rng.below(shards.size())].add(std::span(values).subspan(begin, count));
      begin += count;
    }
    Histogram merged;
    for (const Histogram& shard : shards) merged.merge(shard);
    EXPECT_EQ(merged, whole);
  }
}

TEST(Histogram, SetsAsideWhatIsNotFinite) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  Histogram histogram;
  std::vector<float> values(100, 1.0F);
  values[3] = kInf;
  values[40] = -kInf;
  values[41] = std::nanf("");
  histogram.add(values);
  EXPECT_EQ(histogram.total(), 97U);
  EXPECT_EQ(histogram.infinite(), 2U);
  EXPECT_EQ(histogram.nan(), 1U);
  EXPECT_EQ(histogram.max(), 1.0F);
}

TEST(Histogram, ReachesTheEndsOfFloat) {
  constexpr float kMax = std::numeric_limits<float>::max();
  constexpr float kTiny = std::numeric_limits<float>::denorm_min();
  Histogram up;
  up.add(std::vector<float>{kTiny, -kTiny});
  up.add(std::vector<float>{kMax, -kMax});
  Histogram down;
  down.add(std::vector<float>{kMax, -kMax});
  down.add(std::vector<float>{kTiny, -kTiny});
  EXPECT_EQ(up, down);
  EXPECT_EQ(up.total(), 4U);
  Histogram same;
  same.add(std::vector<float>{-0.0F, 0.0F});
  EXPECT_EQ(same.counts(), std::vector<uint64_t>{2});
  EXPECT_FALSE(std::signbit(same.min()));
}

TEST(Histogram, PartsRoundTripAndAreChecked) {
  Rng rng(3);
  Histogram histogram;
  histogram.add(mixed_values(rng, 4000));
  const Histogram::Parts parts{histogram.zeros(), 0, 0, {histogram.min(), histogram.max()}, histogram.exponent(),
                               histogram.counts()};
  EXPECT_EQ(Histogram::from_parts(parts), histogram);
  Histogram::Parts bad = parts;
  ++bad.exponent;
  EXPECT_THROW(Histogram::from_parts(bad), Error);
  bad = parts;
  bad.counts.pop_back();
  EXPECT_THROW(Histogram::from_parts(bad), Error);
  bad = parts;
  bad.range.high = std::nanf("");
  EXPECT_THROW(Histogram::from_parts(bad), Error);
}

}  // namespace
}  // namespace tinyc
