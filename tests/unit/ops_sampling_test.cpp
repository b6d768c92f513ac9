// Resizing, sampling, regions and normalization that are newer than the official node tests at hand, or that they leave
// out. The expected numbers were computed with onnxruntime.
#include <gtest/gtest.h>

#include <numeric>

#include "op_test_util.h"

namespace tinyc {
namespace {

Tensor floats(Dims dims, const std::vector<float>& values) {
  return Tensor::of<float>(std::move(dims), values);
}

Tensor counting(const Dims& dims) {
  std::vector<float> values(static_cast<size_t>(element_count(dims)));
  std::iota(values.begin(), values.end(), 0.0F);
  return floats(dims, values);
}

Tensor ints(const std::vector<int64_t>& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values);
}

void expect_near(const Tensor& found, const std::vector<float>& expected, double tolerance = 1e-5) {
  const std::vector<float> values = found.to_float();
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], tolerance) << "element " << i;
}

const Tensor kSquares = floats({1, 1, 1, 7}, {1, 4, 9, 16, 25, 36, 49});

TEST(Resize, AntialiasWidensTheFilter) {
  const auto halved = [](const char* mode) {
    return run_op("Resize", {kSquares, Tensor(), floats({4}, {1, 1, 1, 0.5F})},
                  {{"mode", std::string(mode)}, {"antialias", int64_t{1}}})[0];
  };
  expect_near(halved("linear"), {3.125F, 13, 31});
  expect_near(halved("cubic"), {2.1523438F, 11.951172F, 31.322266F});
}

TEST(Resize, KeepsTheAspectRatioOverListedAxes) {
  const auto dims = [](const char* policy) {
    return run_op("Resize", {counting({1, 1, 3, 4}), Tensor(), Tensor(), ints({6, 6})},
                  {{"axes", std::vector<int64_t>{2, 3}}, {"keep_aspect_ratio_policy", std::string(policy)}})[0]
        .dims();
  };
  EXPECT_EQ(dims("not_larger"), (Dims{1, 1, 5, 6}));
  EXPECT_EQ(dims("not_smaller"), (Dims{1, 1, 6, 8}));
  EXPECT_EQ(dims("stretch"), (Dims{1, 1, 6, 6}));
}

TEST(Resize, SymmetricHalfPixelsCentreTheRest) {
  expect_near(run_op("Resize", {kSquares, Tensor(), floats({4}, {1, 1, 1, 0.4F})},
                     {{"mode", std::string("linear")},
                      {"coordinate_transformation_mode", std::string("half_pixel_symmetric")}})[0],
              {7.75F, 27.75F});
}

TEST(Resize, CropsAndExtrapolates) {
  expect_near(run_op("Resize", {kSquares, floats({8}, {0, 0, 0, 0.25F, 1, 1, 1, 1.2F}), Tensor(), ints({1, 1, 1, 5})},
                     {{"mode", std::string("linear")},
                      {"coordinate_transformation_mode", std::string("tf_crop_and_resize")},
                      {"extrapolation_value", -1.0F}})[0],
              {6.5F, 15.475F, 28.85F, 46.075F, -1});
}

TEST(Resize, RefusesWhatItDoesNotKnow) {
  const Tensor scales = floats({4}, {1, 1, 1, 2});
  EXPECT_THROW(run_op("Resize", {kSquares, Tensor(), scales}, {{"mode", std::string("area")}}), Error);
  EXPECT_THROW(run_op("Resize", {kSquares, Tensor(), floats({4}, {1, 1, 1, -2})}), Error);
  EXPECT_THROW(run_op("Resize", {kSquares, Tensor(), floats({3}, {1, 1, 2})}), Error);
  EXPECT_THROW(run_op("Resize", {kSquares}), Error);
}

TEST(GridSample, ThreeAxesAndPadding) {
  const Tensor grid = floats({1, 1, 1, 3, 3}, {-1, -1, -1, 0, 0, 0, 0.5F, -0.25F, 2});
  const auto sampled = [&](const char* padding) {
    return run_op("GridSample", {counting({1, 1, 2, 2, 2}), grid}, {{"padding_mode", std::string(padding)}})[0];
  };
  expect_near(sampled("zeros"), {0, 3.5F, 0});
  expect_near(sampled("border"), {0, 3.5F, 5.5F});
  expect_near(sampled("reflection"), {0, 3.5F, 3.5F});
}

TEST(GridSample, CoordinatesThatAreNoNumbersGiveZero) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor grid = floats({1, 1, 3, 2}, {nan, 0, inf, 0, 0, -inf});
  expect_near(run_op("GridSample", {counting({1, 1, 2, 2}), grid})[0], {0, 0, 0});
}

TEST(AffineGrid, MapsPixelCentres) {
  const Tensor theta = floats({1, 2, 3}, {1, 0.5F, 0.25F, 0, 2, -0.5F});
  expect_near(run_op("AffineGrid", {theta, ints({1, 1, 2, 2})})[0], {-0.5F, -1.5F, 0.5F, -1.5F, 0, 0.5F, 1, 0.5F});
}

TEST(Col2Im, AddsOverlappingBlocks) {
  const Tensor columns = counting({1, 4, 4});
  expect_near(run_op("Col2Im", {columns, ints({3, 3}), ints({2, 2})})[0], {0, 5, 5, 10, 30, 20, 10, 25, 15});
  EXPECT_THROW(run_op("Col2Im", {columns, ints({4, 3}), ints({2, 2})}), Error);
}

TEST(MaxRoiPool, CountsBothEnds) {
  const AttributeList attributes = {{"pooled_shape", std::vector<int64_t>{2, 2}}, {"spatial_scale", 0.5F}};
  const Tensor x = counting({1, 1, 4, 6});
  expect_near(run_op("MaxRoiPool", {x, floats({1, 5}, {0, 1, 0, 9, 3})}, attributes)[0], {9, 11, 15, 17});
  EXPECT_THROW(run_op("MaxRoiPool", {x, floats({1, 5}, {1, 1, 0, 9, 3})}, attributes), Error);
}

TEST(GroupNormalization, ScalesByChannel) {
  const Tensor x = floats({1, 4, 2}, {1, 2, 3, 5, 8, 13, 21, 34});
  expect_near(run_op("GroupNormalization", {x, floats({4}, {1, 2, 3, 4}), floats({4}, {0, 0, 1, 1})},
                     {{"num_groups", int64_t{2}}})[0],
              {-1.1832132F, -0.5070914F, 0.33806092F, 3.0425484F, -2.3593116F, -0.8323518F, 1.8143785F, 7.107839F});
  EXPECT_THROW(run_op("GroupNormalization", {x, floats({4}, {1, 2, 3, 4}), floats({4}, {0, 0, 1, 1})},
                      {{"num_groups", int64_t{3}}}),
               Error);
}

TEST(LpNormalization, LeavesALineOfZeros) {
  expect_near(run_op("LpNormalization", {floats({2, 2}, {3, 4, 0, 0})})[0], {0.6F, 0.8F, 0, 0});
}

TEST(SkipLayerNormalization, NormalizesTheSum) {
  const std::vector<Tensor> outputs =
      run_op("SkipLayerNormalization",
             {floats({1, 1, 4}, {1, 2, 3, 4}), floats({1, 1, 4}, {1, 0, 0, 1}), floats({4}, {1, 1, 2, 2})},
             {{"epsilon", 1e-5F}}, 1, "com.microsoft");
  expect_near(outputs[0], {-0.81649387F, -0.81649387F, 0, 3.2659755F});
}

TEST(Dft, RealSignalsThereAndBack) {
  const Tensor signal = floats({1, 6, 1}, {1, 2, 3, 4, 5, 6});
  const Tensor axis = Tensor::scalar<int64_t>(1);
  const Tensor half = run_op("DFT", {signal, Tensor(), axis}, {{"onesided", int64_t{1}}})[0];
  expect_near(half, {21, 0, -3, 5.1961524F, -3, 1.7320508F, -3, 0});
  const Tensor back = run_op("DFT", {half, Tensor(), axis}, {{"onesided", int64_t{1}}, {"inverse", int64_t{1}}})[0];
  EXPECT_EQ(back.dims(), (Dims{1, 6, 1}));
  expect_near(back, {1, 2, 3, 4, 5, 6});
}

}  // namespace
}  // namespace tinyc
