#include "driver/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tinyc/base/error.h"
#include "tinyc/base/rng.h"

namespace tinyc {
namespace {

Tensor vector_of(const std::vector<float>& values) {
  return Tensor::of<float>({1, static_cast<int64_t>(values.size())}, values);
}

Score score_all(std::string_view metric, const std::vector<std::pair<LabeledSample, Tensor>>& samples) {
  const MetricDef& def = require_metric(metric);
  Score total;
  for (const auto& [sample, output] : samples) {
    Score part;
    def.add(sample, output, part);
    part.samples = 1;
    total.merge(part);
  }
  return total;
}

std::string complaint(std::string_view metric, const LabeledSample& sample, const Tensor& output) {
  try {
    score_all(metric, {{sample, output}});
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.message();
  }
  return "none";
}

TEST(Metrics, Top1CountsTheFirstOfEquals) {
  const Score score = score_all("top1", {{{{}, Tensor::scalar<int64_t>(2)}, vector_of({1, 0, 3})},
                                         {{{}, Tensor::scalar<int64_t>(1)}, vector_of({1, 1, 0})},
                                         {{{}, Tensor::scalar<int64_t>(0)}, vector_of({1, 1, 0})},
                                         {{{}, Tensor::scalar<int64_t>(0)}, vector_of({0, 1, 0})}});
  EXPECT_DOUBLE_EQ(require_metric("top1").value(score), 50.0);
}

TEST(Metrics, MseTakesTheInputWhereThereAreNoLabels) {
  const Tensor input = vector_of({1, 2});
  EXPECT_DOUBLE_EQ(require_metric("mse").value(score_all("mse", {{{input, {}}, vector_of({1, 4})}})), 2.0);
  EXPECT_DOUBLE_EQ(require_metric("mse").value(score_all("mse", {{{input, vector_of({0, 4})}, vector_of({1, 4})}})),
                   0.5);
}

TEST(Metrics, PsnrIsAgainstTheLargestLabel) {
  const Score score = score_all("psnr", {{{{}, vector_of({0, 10})}, vector_of({1, 9})}});
  EXPECT_DOUBLE_EQ(require_metric("psnr").value(score), 20.0);
}

TEST(Metrics, AucIsTheChanceThatAPositiveScoresHigher) {
  Rng rng(7);
  std::vector<std::pair<LabeledSample, Tensor>> samples;
  std::vector<std::pair<double, bool>> flat;
  for (int i = 0; i < 60; ++i) {
    const bool positive = rng.below(3) == 0;
    const auto score = static_cast<float>(rng.below(8)) + (positive ? 2.0F : 0.0F);  // many ties
    samples.push_back({{{}, Tensor::scalar<int64_t>(positive ? 1 : 0)}, vector_of({score})});
    flat.emplace_back(score, positive);
  }
  double wins = 0;
  double pairs = 0;
  for (const auto& [high, positive] : flat) {
    for (const auto& [low, other] : flat) {
      if (!positive || other) continue;
      wins += high > low ? 1.0 : high == low ? 0.5 : 0.0;
      pairs += 1;
    }
  }
  EXPECT_NEAR(require_metric("auc").value(score_all("auc", samples)), wins / pairs, 1e-12);
}

TEST(Metrics, AucOfAnAutoencoderIsByItsError) {
  const Tensor input = vector_of({1, 2, 3});
  const Score score = score_all("auc", {{{input, Tensor::scalar<int64_t>(0)}, vector_of({1, 2, 3})},
                                        {{input, Tensor::scalar<int64_t>(1)}, vector_of({3, 2, 3})}});
  EXPECT_DOUBLE_EQ(require_metric("auc").value(score), 1.0);
}

TEST(Metrics, ComplainAboutLabelsThatDoNotFit) {
  const Tensor output = vector_of({1, 0, 3});
  EXPECT_THAT(complaint("top1", {{}, {}}, output), testing::HasSubstr("needs labels"));
  EXPECT_THAT(complaint("top1", {{}, Tensor::scalar<int64_t>(3)}, output), testing::HasSubstr("3 is not one of"));
  EXPECT_THAT(complaint("top1", {{}, vector_of({1, 2})}, output), testing::HasSubstr("expected a class index"));
  EXPECT_THAT(complaint("auc", {{}, Tensor::scalar<int64_t>(2)}, output), testing::HasSubstr("labels 0 and 1"));
  EXPECT_THAT(complaint("mse", {vector_of({1, 2}), {}}, output), testing::HasSubstr("2 elements a sample"));
  EXPECT_THROW(require_metric("top5"), Error);
}

}  // namespace
}  // namespace tinyc
