#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "op_test_util.h"
#include "ops/cast.h"

namespace tinyc {
namespace {

using Floats = std::vector<float>;

TEST(Elementwise, Float16IsComputedInFloat32) {
  const Tensor x = cast(Tensor::of<float>({2}, {0.5F, 2.0F}), DataType::kFloat16);
  const Tensor y = run_op("Sqrt", {x})[0];
  ASSERT_EQ(y.dtype(), DataType::kFloat16);
  EXPECT_EQ(y.to_float(),
            (Floats{half_to_float(float_to_half(std::sqrt(0.5F))), half_to_float(float_to_half(std::sqrt(2.0F)))}));
  EXPECT_EQ(elements<bool>(run_op("Less", {x, x})[0]), (std::vector<bool>{false, false}));
}

TEST(Elementwise, MaxPassesNanOn) {
  const Tensor a = Tensor::of<float>({3}, {1, std::nanf(""), 3});
  const Tensor b = Tensor::of<float>({3}, {2, 0, std::nanf("")});
  const Floats y = elements<float>(run_op("Max", {a, b})[0]);
  EXPECT_EQ(y[0], 2);
  EXPECT_TRUE(std::isnan(y[1]) && std::isnan(y[2]));
}

TEST(Elementwise, IntegersAtTheEdgeOfTheirType) {
  const Tensor lowest = Tensor::of<int8_t>({1}, {-128});
  EXPECT_EQ(elements<int8_t>(run_op("Abs", {lowest})[0])[0], -128);
  EXPECT_EQ(elements<int8_t>(run_op("Mod", {lowest, Tensor::of<int8_t>({1}, {-1})})[0])[0], 0);
  EXPECT_THROW(run_op("Mod", {lowest, Tensor::of<int8_t>({1}, {0})}), Error);
  const Tensor one = Tensor::of<uint8_t>({1}, {1});
  EXPECT_EQ(elements<uint8_t>(
                run_op("BitShift", {one, Tensor::of<uint8_t>({1}, {8})}, {{"direction", std::string("LEFT")}})[0])[0],
            0);
}

TEST(Elementwise, PowOfIntegersIsExact) {
  const Tensor base = Tensor::of<int64_t>({2}, {3, -3});
  const Tensor exponent = Tensor::of<int64_t>({}, {39});
  EXPECT_EQ(elements<int64_t>(run_op("Pow", {base, exponent})[0]),
            (std::vector<int64_t>{4052555153018976267, -4052555153018976267}));
}

TEST(Elementwise, ActivationsStayFiniteFarOut) {
  const Tensor x = Tensor::of<float>({2}, {-1000, 1000});
  EXPECT_EQ(elements<float>(run_op("Softplus", {x})[0]), (Floats{0, 1000}));
  EXPECT_EQ(elements<float>(run_op("Mish", {x})[0]), (Floats{0, 1000}));
  EXPECT_EQ(elements<float>(run_op("Gelu", {x})[0]), (Floats{0, 1000}));
}

TEST(Elementwise, WhereMovesAnyType) {
  const Tensor condition = bools({2, 1}, {true, false});
  const Tensor a = Tensor::of<int16_t>({2}, {1, 2}), b = Tensor::of<int16_t>({}, {9});
  EXPECT_EQ(elements<int16_t>(run_op("Where", {condition, a, b})[0]), (std::vector<int16_t>{1, 2, 9, 9}));
}

TEST(Reduce, ASampleGivesTheSameBitsAloneAndAmongOthers) {
  Floats values(3 * 37 * 5);
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i * i)) * 1e3F;
  const Tensor axes = Tensor::of<int64_t>({1}, {1});
  const Tensor batch = Tensor::of<float>({3, 37, 5}, values);
  const Tensor alone = Tensor::of<float>({1, 37, 5}, Floats(values.begin() + 37 * 5, values.begin() + 2 * 37 * 5));
  for (const char* name : {"ReduceSum", "ReduceMean", "ReduceLogSumExp", "ReduceL2"}) {
    const Floats together = elements<float>(run_op(name, {batch, axes})[0]);
    EXPECT_EQ(elements<float>(run_op(name, {alone, axes})[0]), Floats(together.begin() + 5, together.begin() + 10));
  }
}

TEST(Reduce, ManyElementsDoNotDrift) {
  const Tensor x = Tensor::of<float>({1 << 20}, Floats(1 << 20, 0.1F));
  EXPECT_FLOAT_EQ(elements<float>(run_op("ReduceMean", {x})[0])[0], 0.1F);
}

TEST(Reduce, OfNothing) {
  const Tensor x = Tensor::zeros(DataType::kFloat, {2, 0});
  const Tensor axes = Tensor::of<int64_t>({1}, {1});
  EXPECT_EQ(elements<float>(run_op("ReduceSum", {x, axes})[0]), (Floats{0, 0}));
  EXPECT_EQ(elements<float>(run_op("ReduceProd", {x, axes})[0]), (Floats{1, 1}));
  EXPECT_EQ(elements<float>(run_op("ReduceMax", {x, axes})[0])[0], -std::numeric_limits<float>::infinity());
}

TEST(Reduce, OnTruthValues) {
  const Tensor x = bools({2, 2}, {false, true, false, false});
  const Tensor axes = Tensor::of<int64_t>({1}, {-1});
  EXPECT_EQ(elements<bool>(run_op("ReduceMax", {x, axes}, {{"keepdims", int64_t{0}}})[0]),
            (std::vector<bool>{true, false}));
}

TEST(Selection, TopKOrdersTiesByIndexAndRefusesTooMany) {
  const Tensor x = Tensor::of<float>({4}, {1, 3, 3, 2});
  const auto y = run_op("TopK", {x, Tensor::of<int64_t>({1}, {3})}, {}, 2);
  EXPECT_EQ(elements<float>(y[0]), (Floats{3, 3, 2}));
  EXPECT_EQ(elements<int64_t>(y[1]), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_THROW(run_op("TopK", {x, Tensor::of<int64_t>({1}, {5})}, {}, 2), Error);
}

TEST(Range, CountsBothWaysAndRefusesEndlessOnes) {
  const auto range = [](int64_t start, int64_t limit, int64_t delta) {
    return run_op("Range", {Tensor::scalar(start), Tensor::scalar(limit), Tensor::scalar(delta)})[0];
  };
  EXPECT_EQ(elements<int64_t>(range(3, 10, 3)), (std::vector<int64_t>{3, 6, 9}));
  EXPECT_EQ(elements<int64_t>(range(1, -2, -1)), (std::vector<int64_t>{1, 0, -1}));
  EXPECT_EQ(range(5, 1, 1).size(), 0);
  EXPECT_THROW(range(0, 1, 0), Error);
  EXPECT_THROW(run_op("Range", {Tensor::scalar(0.0F), Tensor::scalar(1.0F), Tensor::scalar(1e-30F)}), Error);
}

}  // namespace
}  // namespace tinyc
