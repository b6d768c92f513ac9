// Ops that move elements, against index arithmetic written out, where the official node tests leave cases out.
#include <gtest/gtest.h>

#include <numeric>

#include "op_test_util.h"

namespace tinyc {
namespace {

template <typename T>
Tensor counting(const Dims& dims) {
  std::vector<T> values(static_cast<size_t>(element_count(dims)));
  std::iota(values.begin(), values.end(), T{0});
  return Tensor::of<T>(dims, values);
}

Tensor ints(const std::vector<int64_t>& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values);
}

// Large enough that tiles end inside, for every element width.
template <typename T>
void expect_transposed() {
  constexpr int64_t kA = 3, kB = 37, kC = 41;
  const Tensor in = counting<T>({kA, kB, kC});
  const Tensor out = run_op("Transpose", {in}, {{"perm", std::vector<int64_t>{2, 0, 1}}})[0];
  ASSERT_EQ(out.dims(), (Dims{kC, kA, kB}));
  const auto found = out.data<T>();
  for (int64_t a = 0; a < kA; ++a) {
    for (int64_t b = 0; b < kB; ++b) {
      for (int64_t c = 0; c < kC; ++c) {
        ASSERT_EQ(found[static_cast<size_t>((c * kA + a) * kB + b)],
                  in.data<T>()[static_cast<size_t>((a * kB + b) * kC + c)]);
      }
    }
  }
}

TEST(Transpose, EveryElementWidth) {
  expect_transposed<uint8_t>();
  expect_transposed<int16_t>();
  expect_transposed<int32_t>();
  expect_transposed<double>();
}

TEST(Transpose, RefusesPackedElements) {
  EXPECT_THROW(run_op("Transpose", {Tensor::zeros(DataType::kInt4, {2, 3})}), Error);
}

TEST(Slice, StepsBackwardsAndClamps) {
  const Tensor x = counting<int32_t>({7});
  const auto slice = [&](int64_t start, int64_t end, int64_t step) {
    return elements<int32_t>(run_op("Slice", {x, ints({start}), ints({end}), ints({0}), ints({step})})[0]);
  };
  EXPECT_EQ(slice(-1, std::numeric_limits<int64_t>::min(), -3), (std::vector<int32_t>{6, 3, 0}));
  EXPECT_EQ(slice(100, 2, -2), (std::vector<int32_t>{6, 4}));
  EXPECT_EQ(slice(5, 2, 1), (std::vector<int32_t>{}));
  EXPECT_EQ(slice(0, 7, std::numeric_limits<int64_t>::max()), (std::vector<int32_t>{0}));
  EXPECT_EQ(slice(6, 0, std::numeric_limits<int64_t>::min()), (std::vector<int32_t>{6}));
  EXPECT_THROW(slice(0, 7, 0), Error);
}

TEST(Pad, ModesByAxisWithNegativePads) {
  const Tensor x = counting<int32_t>({5});
  const auto pad = [&](const std::string& mode, int64_t begin, int64_t end) {
    return elements<int32_t>(run_op("Pad", {x, ints({begin, end})}, {{"mode", mode}})[0]);
  };
  EXPECT_EQ(pad("constant", -2, 1), (std::vector<int32_t>{2, 3, 4, 0}));
  EXPECT_EQ(pad("edge", 2, -3), (std::vector<int32_t>{0, 0, 0, 1}));
  EXPECT_EQ(pad("reflect", 2, 1), (std::vector<int32_t>{2, 1, 0, 1, 2, 3, 4, 3}));
  EXPECT_EQ(pad("wrap", 2, 1), (std::vector<int32_t>{3, 4, 0, 1, 2, 3, 4, 0}));
  EXPECT_EQ(pad("wrap", -1, 2), (std::vector<int32_t>{1, 2, 3, 4, 1, 2}));
  EXPECT_THROW(pad("constant", -4, -4), Error);
  EXPECT_THROW(pad("mirror", 1, 1), Error);
}

TEST(Pad, IntegersWithAValueAndAxes) {
  const Tensor x = counting<int8_t>({2, 2});
  const Tensor out = run_op("Pad", {x, ints({1, 0}), Tensor::scalar<int8_t>(-7), ints({-1})})[0];
  EXPECT_EQ(out.dims(), (Dims{2, 3}));
  EXPECT_EQ(elements<int8_t>(out), (std::vector<int8_t>{-7, 0, 1, -7, 2, 3}));
}

TEST(Gather, RefusesIndicesOutside) {
  const Tensor x = counting<float>({3, 2});
  EXPECT_EQ(elements<float>(run_op("Gather", {x, ints({-1})})[0]), (std::vector<float>{4, 5}));
  EXPECT_THROW(run_op("Gather", {x, ints({3})}), Error);
  EXPECT_THROW(run_op("GatherElements", {x, Tensor::of<int64_t>({1, 1}, std::vector<int64_t>{-4})}), Error);
  EXPECT_THROW(run_op("GatherND", {x, Tensor::of<int64_t>({1, 2}, std::vector<int64_t>{0, 2})}), Error);
}

TEST(Scatter, ReducesAndRefusesIndicesOutside) {
  const Tensor x = counting<int32_t>({4});
  const Tensor updates = Tensor::of<int32_t>({2}, std::vector<int32_t>{10, 20});
  const auto scatter = [&](const std::string& reduction, const std::vector<int64_t>& at) {
    return elements<int32_t>(run_op("ScatterElements", {x, ints(at), updates}, {{"reduction", reduction}})[0]);
  };
  EXPECT_EQ(scatter("add", {1, 1}), (std::vector<int32_t>{0, 31, 2, 3}));
  EXPECT_EQ(scatter("mul", {-1, 2}), (std::vector<int32_t>{0, 1, 40, 30}));
  EXPECT_EQ(scatter("min", {3, 0}), (std::vector<int32_t>{0, 1, 2, 3}));
  EXPECT_THROW(scatter("none", {0, 4}), Error);
  EXPECT_THROW(scatter("sum", {0, 1}), Error);
}

TEST(Split, UnevenPiecesAndPiecesThatDoNotFit) {
  const Tensor x = counting<int32_t>({7});
  const std::vector<Tensor> pieces = run_op("Split", {x}, {{"num_outputs", int64_t{3}}}, 3);
  EXPECT_EQ(elements<int32_t>(pieces[2]), (std::vector<int32_t>{6}));
  EXPECT_THROW(run_op("Split", {x, ints({4, 4})}, {}, 2), Error);
  EXPECT_THROW(run_op("Split", {x, ints({9, -2})}, {}, 2), Error);
}

TEST(DepthToSpace, UndoesSpaceToDepth) {
  const Tensor x = counting<float>({2, 3, 4, 6});
  for (const std::string mode : {"DCR", "CRD"}) {
    const AttributeList attributes = {{"blocksize", int64_t{2}}, {"mode", mode}};
    const Tensor deep = run_op("SpaceToDepth", {x}, attributes)[0];
    EXPECT_EQ(deep.dims(), (Dims{2, 12, 2, 3}));
    EXPECT_TRUE(run_op("DepthToSpace", {deep}, attributes)[0].same_bytes(x));
  }
}

TEST(Unique, NansAreOneValue) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = Tensor::of<float>({5}, std::vector<float>{nan, 2, nan, -1, 2});
  const std::vector<Tensor> outputs = run_op("Unique", {x}, {}, 4);
  EXPECT_EQ(outputs[0].dims(), (Dims{3}));
  EXPECT_EQ(elements<int64_t>(outputs[1]), (std::vector<int64_t>{3, 1, 0}));
  EXPECT_EQ(elements<int64_t>(outputs[3]), (std::vector<int64_t>{1, 2, 2}));
}

TEST(Concat, RefusesOperandsOfOtherTypesAndDims) {
  const Tensor x = counting<float>({2, 3});
  const AttributeList axis = {{"axis", int64_t{0}}};
  EXPECT_EQ(run_op("Concat", {x, counting<float>({1, 3})}, axis)[0].dims(), (Dims{3, 3}));
  EXPECT_THROW(run_op("Concat", {x, counting<int8_t>({2, 3})}, axis), Error);
  EXPECT_THROW(run_op("Concat", {x, counting<float>({2, 4})}, axis), Error);
}

TEST(Expand, RefusesNegativeSizes) {
  const Tensor x = counting<int32_t>({2, 1});
  EXPECT_EQ(elements<int32_t>(run_op("Expand", {x, ints({1, 2})})[0]), (std::vector<int32_t>{0, 0, 1, 1}));
  EXPECT_THROW(run_op("Expand", {x, ints({2, -1})}), Error);
}

TEST(Tile, RepeatsEachAxis) {
  const Tensor x = counting<int32_t>({2, 2});
  EXPECT_EQ(elements<int32_t>(run_op("Tile", {x, ints({2, 2})})[0]),
            (std::vector<int32_t>{0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3}));
  EXPECT_THROW(run_op("Tile", {x, ints({2, -1})}), Error);
  EXPECT_THROW(run_op("Tile", {x, ints({int64_t{1} << 40, int64_t{1} << 40})}), Error);
}

}  // namespace
}  // namespace tinyc
