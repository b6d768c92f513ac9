#include "tinyc/base/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace tinyc {
namespace {

// The generator's state seeded as published; a change here changes every synthetic calibration.
TEST(Rng, SplitmixMatchesItsReference) {
  EXPECT_EQ(splitmix64(0), 0xE220A8397B1DCDAFU);
  EXPECT_EQ(splitmix64(0x9E3779B97F4A7C15U), 0x6E789E6AA1B965F4U);
}

TEST(Rng, SeedAndStreamDecide) {
  Rng a(1);
  Rng b(1);
  Rng other_stream(1, 1);
  Rng other_seed(2);
  const uint64_t first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, other_stream.next());
  EXPECT_NE(first, other_seed.next());
}

TEST(Rng, MomentsOfUniformAndNormal) {
  Rng rng(7);
  constexpr int kCount = 200000;
  double sum = 0, square = 0, fourth = 0, uniform_sum = 0;
  for (int i = 0; i < kCount; ++i) {
    const double x = rng.normal();
    sum += x;
    square += x * x;
    fourth += x * x * x * x;
    const double u = rng.uniform();
    ASSERT_TRUE(u >= 0.0 && u < 1.0);
    uniform_sum += u;
  }
  EXPECT_NEAR(sum / kCount, 0.0, 0.01);
  EXPECT_NEAR(square / kCount, 1.0, 0.02);
  EXPECT_NEAR(fourth / kCount, 3.0, 0.1);
  EXPECT_NEAR(uniform_sum / kCount, 0.5, 0.005);
}

TEST(Rng, BelowReachesAllAndNoMore) {
  Rng rng(3);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(rng.below(7));
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_EQ(*seen.rbegin(), 6U);
}

}  // namespace
}  // namespace tinyc
