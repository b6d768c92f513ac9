#include "tinyc/quant/error_sums.h"

#include <gtest/gtest.h>

#include <vector>

namespace tinyc {
namespace {

TEST(ErrorSums, KnowsSignalAndNoise) {
  ErrorSums sums;
  sums.add(std::vector<float>{3, -4, 0}, std::vector<float>{3, -4.5F, 0});
  EXPECT_DOUBLE_EQ(sums.sqnr_db(), 20.0);  // 25 / 0.25
  EXPECT_DOUBLE_EQ(sums.max_error, 0.5);
  EXPECT_DOUBLE_EQ(sums.mse(), 0.25 / 3);
  EXPECT_NEAR(sums.cosine(), 27.0 / (5.0 * 5.408326913), 1e-9);
}

TEST(ErrorSums, IsFiniteAtTheEdges) {
  ErrorSums equal;
  equal.add(std::vector<float>{1, 2}, std::vector<float>{1, 2});
  EXPECT_EQ(equal.sqnr_db(), kMaxSqnrDb);
  ErrorSums from_nothing;
  from_nothing.add(std::vector<float>{0, 0}, std::vector<float>{0, 1});
  EXPECT_EQ(from_nothing.sqnr_db(), -kMaxSqnrDb);
  EXPECT_EQ(from_nothing.cosine(), 0.0);
  EXPECT_EQ(ErrorSums().cosine(), 1.0);
}

TEST(ErrorSums, MergesParts) {
  const std::vector<float> reference{1, 2, 3, 4};
  const std::vector<float> test{1.5F, 2, 2, 4};
  ErrorSums whole;
  whole.add(reference, test);
  ErrorSums parts;
  for (size_t i = 0; i < 4; ++i) {
    ErrorSums part;
    part.add(std::span(reference).subspan(i, 1), std::span(test).subspan(i, 1));
    parts.merge(part);
  }
  EXPECT_EQ(parts.count, whole.count);
  EXPECT_DOUBLE_EQ(parts.sqnr_db(), whole.sqnr_db());
  EXPECT_DOUBLE_EQ(parts.max_error, whole.max_error);
}

}  // namespace
}  // namespace tinyc
