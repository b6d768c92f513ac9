// Expected values are onnxruntime's for the same operands.
#include <gtest/gtest.h>

#include "op_test_util.h"
#include "ops/cast.h"

namespace tinyc {
namespace {

constexpr std::string_view kContrib = "com.microsoft";

Tensor int4(Dims dims, const std::vector<int64_t>& values, DataType dtype = DataType::kInt4) {
  return cast(Tensor::of<int64_t>(std::move(dims), values), dtype);
}

Tensor scalar8(int value) {
  return Tensor::scalar(static_cast<uint8_t>(value));
}

TEST(QuantizeLinear, RoundsTiesToEvenBeforeTheZeroPoint) {
  const Tensor x = Tensor::of<float>({6}, {-0.5F, 0.5F, 1.5F, 2.5F, 300.0F, -300.0F});
  const Tensor y = run_op("QuantizeLinear", {x, Tensor::scalar(1.0F), scalar8(3)})[0];
  EXPECT_EQ(elements<uint8_t>(y), (std::vector<uint8_t>{3, 3, 5, 5, 255, 0}));
}

TEST(QuantizeLinear, PacksInt4InBlocks) {
  const Tensor x = Tensor::of<float>({1, 4}, {1, 2, 30, -80});
  const Tensor scale = Tensor::of<float>({1, 2}, {1, 10});
  const Tensor y =
      run_op("QuantizeLinear", {x, scale, int4({1, 2}, {0, 1})}, {{"axis", int64_t{1}}, {"block_size", int64_t{2}}})[0];
  EXPECT_EQ(y.dtype(), DataType::kInt4);
  EXPECT_EQ(y.to_int64(), (std::vector<int64_t>{1, 2, 4, -7}));
}

TEST(QuantizeLinear, ScalesMustFitTheOperand) {
  const Tensor x = Tensor::zeros(DataType::kFloat, {2, 4});
  const Tensor scale = Tensor::of<float>({3}, {1, 1, 1});
  EXPECT_THROW(run_op("QuantizeLinear", {x, scale}, {{"axis", int64_t{1}}}), Error);
  EXPECT_THROW(run_op("QuantizeLinear", {x, Tensor::scalar(1.0F)}, {{"block_size", int64_t{-1}}}), Error);
}

TEST(DequantizeLinear, OfUnsignedInt4PerChannelToFloat16) {
  const Tensor x = int4({2, 2}, {15, 0, 8, 7}, DataType::kUint4);
  const Tensor scale = cast(Tensor::of<float>({2}, {0.5F, 2}), DataType::kFloat16);
  const Tensor y = run_op("DequantizeLinear", {x, scale, int4({2}, {8, 7}, DataType::kUint4)})[0];
  EXPECT_EQ(y.dtype(), DataType::kFloat16);
  EXPECT_EQ(y.to_float(), (std::vector<float>{3.5F, -14, 0, 0}));
}

TEST(DequantizeLinear, TakesInt32WithoutLosingBitsToTheZeroPoint) {
  const Tensor x = Tensor::of<int32_t>({1}, {(1 << 30) + 3});
  const Tensor y = run_op("DequantizeLinear", {x, Tensor::scalar(1.0F), Tensor::scalar(int32_t{1 << 30})})[0];
  EXPECT_EQ(elements<float>(y), (std::vector<float>{3}));
}

TEST(DynamicQuantizeLinear, OfZerosDividesByNothing) {
  const auto y = run_op("DynamicQuantizeLinear", {Tensor::zeros(DataType::kFloat, {2})}, {}, 3);
  EXPECT_EQ(elements<uint8_t>(y[0]), (std::vector<uint8_t>{0, 0}));
  EXPECT_EQ(elements<float>(y[1]), (std::vector<float>{1}));
}

TEST(QLinearMatMul, HasAScaleForEachColumn) {
  const Tensor a = Tensor::of<uint8_t>({1, 2}, {10, 20}), b = Tensor::of<int8_t>({2, 2}, {1, 2, 3, 4});
  const Tensor y = run_op("QLinearMatMul", {a, Tensor::scalar(0.5F), scalar8(10), b, Tensor::of<float>({2}, {1, 0.1F}),
                                            Tensor::of<int8_t>({2}, {0, 0}), Tensor::scalar(1.0F), scalar8(7)})[0];
  EXPECT_EQ(elements<uint8_t>(y), (std::vector<uint8_t>{22, 9}));
}

TEST(QLinearConv, PadsWithTheZeroPoint) {
  const Tensor x = Tensor::of<uint8_t>({1, 1, 1, 3}, {10, 11, 12}), w = Tensor::of<int8_t>({1, 1, 1, 3}, {1, 1, 1});
  const Tensor one = Tensor::scalar(1.0F);
  const Tensor y = run_op("QLinearConv", {x, one, scalar8(10), w, one, Tensor::scalar(int8_t{0}), one, scalar8(0)},
                          {{"pads", std::vector<int64_t>{0, 1, 0, 1}}})[0];
  EXPECT_EQ(elements<uint8_t>(y), (std::vector<uint8_t>{1, 3, 3}));
}

TEST(QGemm, WithoutAnOutputScaleGivesFloats) {
  const Tensor a = Tensor::of<uint8_t>({1, 2}, {1, 2}), b = Tensor::of<int8_t>({2, 2}, {1, 2, 3, 4});
  const Tensor y = run_op("QGemm",
                          {a, Tensor::scalar(0.5F), scalar8(0), b, Tensor::scalar(1.0F), Tensor::scalar(int8_t{0}),
                           Tensor::of<int32_t>({2}, {1, -1})},
                          {{"transB", int64_t{1}}, {"alpha", 2.0F}}, 1, kContrib)[0];
  EXPECT_EQ(elements<float>(y), (std::vector<float>{6, 10}));
}

TEST(QLinearSoftmax, SaturatesAtTheTopOfInt8) {
  const Tensor x = Tensor::of<int8_t>({1, 2}, {127, -128});
  const Tensor y = run_op(
      "QLinearSoftmax",
      {x, Tensor::scalar(1.0F), Tensor::scalar(int8_t{0}), Tensor::scalar(1.0F / 256), Tensor::scalar(int8_t{-128})},
      {}, 1, kContrib)[0];
  EXPECT_EQ(elements<int8_t>(y), (std::vector<int8_t>{127, -128}));
}

TEST(QLinearAdd, BroadcastsBothOperands) {
  const Tensor a = Tensor::of<uint8_t>({2, 1}, {10, 20}), b = Tensor::of<uint8_t>({2}, {1, 2});
  const Tensor one = Tensor::scalar(1.0F);
  const Tensor y = run_op("QLinearAdd", {a, one, scalar8(0), b, one, scalar8(0), Tensor::scalar(2.0F), scalar8(0)}, {},
                          1, kContrib)[0];
  EXPECT_EQ(elements<uint8_t>(y), (std::vector<uint8_t>{6, 6, 10, 11}));
}

TEST(QLinearConcat, PutsAllPartsOnOneGrid) {
  const Tensor a = Tensor::of<uint8_t>({1, 2}, {10, 20}), b = Tensor::of<uint8_t>({1, 1}, {7});
  const Tensor y = run_op(
      "QLinearConcat",
      {Tensor::scalar(1.0F), scalar8(1), a, Tensor::scalar(0.5F), scalar8(10), b, Tensor::scalar(2.0F), scalar8(0)},
      {{"axis", int64_t{1}}}, 1, kContrib)[0];
  EXPECT_EQ(elements<uint8_t>(y), (std::vector<uint8_t>{1, 6, 15}));
}

// A model file may combine any types: that is the model's error, not ours.
TEST(IntegerOps, RefuseOperandsOfOtherTypes) {
  const Tensor one = Tensor::scalar(1.0F), zero = scalar8(0), s8 = Tensor::zeros(DataType::kInt8, {2}),
               u8 = Tensor::zeros(DataType::kUint8, {2});
  const Tensor plane = Tensor::zeros(DataType::kUint8, {1, 1, 2, 2}),
               kernel = Tensor::zeros(DataType::kInt8, {1, 1, 1, 1});
  const auto kind_of = [](auto body) {
    try {
      body();
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  EXPECT_EQ(kind_of([&] {
              run_op("QLinearAdd", {u8, one, zero, s8, one, zero, one, zero}, {}, 1, kContrib);
            }),
            ErrorKind::kModel);
  EXPECT_EQ(kind_of([&] {
              run_op("QLinearAdd", {u8, one, Tensor(), Tensor(), one, zero, one, zero}, {}, 1, kContrib);
            }),
            ErrorKind::kModel);
  EXPECT_EQ(kind_of([&] {
              run_op("QLinearConv", {plane, one, zero, kernel, one, Tensor::scalar(int8_t{0}), one, zero,
                                     Tensor::zeros(DataType::kFloat, {1})});
            }),
            ErrorKind::kModel);
  EXPECT_EQ(kind_of([&] {
              run_op("MatMulInteger", {u8, s8, Tensor::zeros(DataType::kUint8, {3})});
            }),
            ErrorKind::kModel);
  EXPECT_EQ(kind_of([&] { run_op("And", {one, one}); }), ErrorKind::kModel);
  EXPECT_EQ(kind_of([&] { run_op("Where", {one, one, one}); }), ErrorKind::kModel);
  EXPECT_EQ(kind_of([&] { run_op("Max", {one, zero}); }), ErrorKind::kModel);
}

TEST(Einsum, RefusesEquationsThatDoNotFit) {
  const Tensor x = Tensor::zeros(DataType::kFloat, {2, 3});
  const auto einsum = [&](const char* equation) {
    return run_op("Einsum", {x, x}, {{"equation", std::string(equation)}});
  };
  EXPECT_NO_THROW(einsum("ij,ij->i"));
  for (const char* equation : {"ij->i", "ijk,ij->i", "ij,jk->ik", "ij,ij->z", "ij,ij->ii", "i1,ij->i", "i.j,ij->i"}) {
    EXPECT_THROW(einsum(equation), Error) << equation;
  }
}

}  // namespace
}  // namespace tinyc
