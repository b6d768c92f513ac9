#include "tinyc/quant/params.h"

#include <gtest/gtest.h>

namespace tinyc {
namespace {

TEST(BiasParams, RaisesTheScaleOfWeightsThatAreNearlyZero) {
  const std::vector<float> bias = {0.5F, 0.5F, 1e-9F};
  const std::vector<size_t> channels = {0, 1, 2};
  const std::vector<float> scales = {0.01F, 1e-10F, 1e-10F};
  QParams weight{.axis = 0, .scales = scales, .zero_points = {0, 0, 0}};
  int raised = 0;
  const QParams params = bias_params(bias, 0.02F, channels, weight, &raised);
  EXPECT_EQ(raised, 1);
  EXPECT_EQ(weight.scales[0], scales[0]);
  EXPECT_GT(weight.scales[1], scales[1]);
  EXPECT_EQ(weight.scales[2], scales[2]);
  for (size_t i = 0; i < bias.size(); ++i) {
    EXPECT_EQ(params.scales[i], 0.02F * weight.scales[i]);
    EXPECT_LE(static_cast<double>(bias[i] / params.scales[i]), kLargestBias);
  }
  EXPECT_GT(static_cast<double>(bias[1] / params.scales[1]), kLargestBias / 4);  // no more than it takes
}

}  // namespace
}  // namespace tinyc
