#include "tinyc/quant/observer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "quant/observers/entropy.h"
#include "tinyc/base/error.h"
#include "tinyc/base/rng.h"

namespace tinyc {
namespace {

enum class Form { kNormal, kRelu, kSkewed, kUniform };

std::vector<float> draw(Form form, size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(count);
  for (float& x : values) {
    const double n = rng.normal();
    switch (form) {
      case Form::kNormal:
        x = static_cast<float>(n);
        break;
      case Form::kRelu:
        x = static_cast<float>(std::max(n, 0.0));
        break;
      case Form::kSkewed:
        x = static_cast<float>(n < 0 ? 0.1 * n : n * n * n);
        break;
      case Form::kUniform:
        x = static_cast<float>(rng.uniform(-1.0, 3.0));
        break;
    }
  }
  return values;
}

ValueStatistics statistics_of(const std::vector<float>& values) {
  ValueStatistics statistics;
  statistics.histogram.add(values);
  return statistics;
}

ValueRange range(std::string_view observer, const ValueStatistics& statistics, bool symmetric = false,
                 int levels = 256) {
  return parse_observer(observer).range(statistics, levels, symmetric);
}

double squared_error(const std::vector<float>& values, ValueRange range, int levels, bool symmetric) {
  double scale = (double{range.high} - range.low) / (levels - 1);
  double low = -std::nearbyint(-range.low / scale);
  double high = levels - 1 + low;
  if (symmetric) {
    high = (levels - 1) / 2;
    low = -high;
    scale = range.high / high;
  }
  double sum = 0;
  for (const float x : values) {
    const double error = x - std::clamp(std::nearbyint(x / scale), low, high) * scale;
    sum += error * error;
  }
  return sum;
}

TEST(Observer, MinMaxIsWhatWasSeenAndZero) {
  EXPECT_EQ(range("minmax", statistics_of({2, 3, 5})), (ValueRange{0, 5}));
  EXPECT_EQ(range("minmax", statistics_of({-2, -3})), (ValueRange{-3, 0}));
  EXPECT_EQ(range("minmax", statistics_of({-2, 1}), true), (ValueRange{-2, 2}));
  EXPECT_EQ(range("minmax", {}), (ValueRange{0, 0}));
}

TEST(Observer, EmaFollowsTheSamplesInOrder) {
  ValueStatistics statistics = statistics_of({-10, 20});
  statistics.recent = {{-1, 1}, {-10, 20}, {-2, 0}};
  const ValueRange chosen = range("ema:0.5", statistics);
  EXPECT_FLOAT_EQ(chosen.low, -3.75F);  // -1, -5.5, -3.75
  EXPECT_FLOAT_EQ(chosen.high, 5.25F);  // 1, 10.5, 5.25
  statistics.recent.clear();
  EXPECT_EQ(range("ema", statistics), (ValueRange{-10, 20}));
}

TEST(Observer, PercentileIsTheSortedOne) {
  for (const Form form : {Form::kNormal, Form::kRelu, Form::kSkewed, Form::kUniform}) {
    std::vector<float> values = draw(form, 20001, 5);
    const ValueStatistics statistics = statistics_of(values);
    const auto tolerance = static_cast<float>(2 * statistics.histogram.bin_width());
    const ValueRange both = range("percentile:99", statistics);
    const ValueRange even = range("percentile:99", statistics, true);
    std::sort(values.begin(), values.end());
    EXPECT_NEAR(both.low, std::min(values[100], 0.0F), tolerance);
    EXPECT_NEAR(both.high, values[19900], tolerance);
    for (float& x : values) x = std::abs(x);
    std::sort(values.begin(), values.end());
    EXPECT_NEAR(even.high, values[19800], tolerance);
    EXPECT_EQ(range("percentile:100", statistics), range("minmax", statistics));
  }
}

// P and Q written out as the definition says.
double plain_divergence(const std::vector<double>& counts, size_t levels, Window window) {
  const size_t bins = window.end - window.begin;
  std::vector<double> p(counts.begin() + static_cast<std::ptrdiff_t>(window.begin),
                        counts.begin() + static_cast<std::ptrdiff_t>(window.end));
  std::vector<double> base = p;
  for (size_t i = 0; i < window.begin; ++i) p.front() += counts[i];
  for (size_t i = window.end; i < counts.size(); ++i) p.back() += counts[i];
  if (base.front() == 0 && p.front() > 0) base.front() = 1;
  if (base.back() == 0 && p.back() > 0) base.back() = 1;
  std::vector<double> q(bins, 0.0);
  for (size_t level = 0; level < levels; ++level) {
    const size_t begin = bins * level / levels;
    const size_t end = bins * (level + 1) / levels;
    double mass = 0, filled = 0;
    for (size_t i = begin; i < end; ++i) {
      mass += base[i];
      filled += base[i] > 0 ? 1 : 0;
    }
    for (size_t i = begin; i < end; ++i) q[i] = base[i] > 0 ? mass / filled : 0;
  }
  double p_sum = 0, q_sum = 0, divergence = 0;
  for (const double x : p) p_sum += x;
  for (const double x : q) q_sum += x;
  for (size_t i = 0; i < bins; ++i) {
    if (p[i] > 0) divergence += p[i] / p_sum * std::log(p[i] / p_sum / (q[i] / q_sum));
  }
  return divergence;
}

TEST(Observer, DivergenceIsItsDefinition) {
  Rng rng(11);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> counts(40 + rng.below(200));
    for (double& c : counts) c = rng.below(3) == 0 ? 0.0 : static_cast<double>(rng.below(100));
    counts[20] = 5;
    const size_t levels = 8;
    const Divergence divergence(counts, levels);
    for (int i = 0; i < 10; ++i) {
      const size_t begin = rng.below(10);
      const Window window{begin, begin + 16 + rng.below(counts.size() - begin - 15)};
      EXPECT_NEAR(divergence(window), plain_divergence(counts, levels, window), 1e-9);
    }
  }
}

TEST(Observer, EntropyReallySearches) {
  std::vector<float> values = draw(Form::kNormal, 200000, 9);
  values[0] = 40.0F;  // one outlier: the full range would waste nine tenths of the levels
  const ValueStatistics statistics = statistics_of(values);
  const ValueRange even = range("entropy", statistics, true);
  EXPECT_LT(even.high, 8.0F);
  EXPECT_GT(even.high, 2.5F);
  const ValueRange both = range("entropy", statistics);
  EXPECT_LT(both.high, 8.0F);
  EXPECT_LT(both.low, -2.5F);
  for (float& x : values) x = std::max(x, 0.0F);
  const ValueRange relu = range("entropy", statistics_of(values));
  EXPECT_EQ(relu.low, 0.0F);
  EXPECT_LT(relu.high, 8.0F);
}

TEST(Observer, MseBeatsEveryRangeOfABruteForceGrid) {
  for (const Form form : {Form::kNormal, Form::kRelu, Form::kSkewed, Form::kUniform}) {
    for (const int levels : {4, 16, 256}) {
      const std::vector<float> values = draw(form, 3000, 13);
      const ValueStatistics statistics = statistics_of(values);
      const ValueRange full = range("minmax", statistics);
      for (const bool symmetric : {false, true}) {
        const double ours = squared_error(values, range("mse", statistics, symmetric, levels), levels, symmetric);
        double best = squared_error(values, range("minmax", statistics, symmetric), levels, symmetric);
        for (int low = 0; low <= (symmetric ? 0 : 20); ++low) {
          for (int high = 1; high <= 20; ++high) {
            ValueRange tried{full.low * static_cast<float>(low) / 20, full.high * static_cast<float>(high) / 20};
            if (symmetric) tried.high = std::max(-full.low, full.high) * static_cast<float>(high) / 20;
            if (tried.high > 0) best = std::min(best, squared_error(values, tried, levels, symmetric));
          }
        }
        EXPECT_LE(ours, 1.02 * best) << static_cast<int>(form) << " " << levels << " " << symmetric;
      }
    }
  }
}

TEST(Observer, SixteenBitsKeepNearlyAll) {
  const std::vector<float> values = draw(Form::kNormal, 100000, 17);
  const ValueStatistics statistics = statistics_of(values);
  EXPECT_GT(range("mse", statistics, false, 65536).high, 0.97F * statistics.histogram.max());
}

TEST(Observer, WeightsByChannel) {
  const Tensor weights = Tensor::of<float>({2, 3}, {1, -2, 3, -4, 5, -6});
  const Observer minmax = parse_observer("minmax");
  EXPECT_EQ(weight_ranges(weights, 0, minmax, 256, true), (std::vector<ValueRange>{{-3, 3}, {-6, 6}}));
  EXPECT_EQ(weight_ranges(weights, 1, minmax, 256, false), (std::vector<ValueRange>{{-4, 1}, {-2, 5}, {-6, 3}}));
  EXPECT_EQ(weight_ranges(weights, -1, minmax, 256, false), (std::vector<ValueRange>{{-6, 5}}));
  EXPECT_THROW(weight_ranges(Tensor::of<float>({1}, {std::nanf("")}), -1, minmax, 256, true), Error);
}

TEST(Observer, ParsesNamesAndParameters) {
  EXPECT_EQ(parse_observer("percentile").parameter, 99.999);
  EXPECT_EQ(parse_observer("percentile:99.9").parameter, 99.9);
  EXPECT_THROW(parse_observer("percentile:101"), Error);
  EXPECT_THROW(parse_observer("percentile:x"), Error);
  EXPECT_THROW(parse_observer("mse:3"), Error);
  try {
    parse_observer("entrpy");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_EQ(error.hint(), "did you mean 'entropy'?");
  }
}

TEST(Observer, EveryOneSurvivesOddValues) {
  const std::vector<std::vector<float>> odd = {{}, {0}, {5}, {-5}, {0, 0, 1e-30F}, {3e38F, -3e38F}, {1e-42F, -1e-44F}};
  for (const ObserverDef* def : all_observers()) {
    for (const auto& values : odd) {
      for (const bool symmetric : {false, true}) {
        for (const int levels : {4, 256, 65536}) {
          const ValueRange chosen = range(def->name, statistics_of(values), symmetric, levels);
          EXPECT_TRUE(std::isfinite(chosen.low) && std::isfinite(chosen.high)) << def->name;
          EXPECT_LE(chosen.low, 0.0F);
          EXPECT_GE(chosen.high, 0.0F);
        }
      }
    }
  }
}

}  // namespace
}  // namespace tinyc
