// Every op with a prepared kernel against its own plain reference, on random dims.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <tuple>

#include "ops/kernels/elementwise.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

using Random = std::mt19937;

int64_t pick(Random& random, int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random);
}

Tensor random_tensor(Dims dims, Random& random, float low = -1.0F) {
  Tensor tensor = Tensor::zeros(DataType::kFloat, std::move(dims));
  std::uniform_real_distribution<float> real(low, 1.0F);
  for (float& element : tensor.mutable_data<float>()) element = real(random);
  return tensor;
}

struct Case {
  std::string_view op;
  AttributeList attributes;
  std::vector<Tensor> inputs;
};

struct Results {
  Tensor reference;
  Tensor prepared;
};

Results run_both(const Case& c, float low = -INFINITY, float high = INFINITY, bool constant_operands = true) {
  Node node;
  node.op = find_op("", c.op);
  node.attributes = c.attributes;
  node.outputs = {ValueId{100}};
  std::vector<InferContext::Known> known;
  std::vector<TensorType> types;
  std::vector<const Tensor*> constants;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    node.inputs.push_back(ValueId{static_cast<uint32_t>(i)});
    known.push_back({c.inputs[i].type(), nullptr, {}});
    types.push_back(c.inputs[i].type());
    constants.push_back(constant_operands && i > 0 ? &c.inputs[i] : nullptr);
  }
  InferContext infer(node, known);
  node.op->infer(infer);
  const TensorType type = infer.outputs()[0].type;
  const auto evaluate = [&](const std::function<void(EvalContext&)>& kernel) {
    std::vector<Tensor> outputs{Tensor::zeros(type.dtype, *type.shape.known_dims())};
    std::vector<std::byte> scratch;
    const EvalContext::RunSubgraph none;
    EvalContext context(node, c.inputs, outputs, scratch, none);
    kernel(context);
    return outputs[0];
  };
  Results results{evaluate(node.op->eval), {}};
  for (float& element : results.reference.mutable_data<float>()) element = std::min(std::max(element, low), high);
  const Kernel kernel = node.op->prepare({node, types, {&type, 1}, constants, low, high});
  EXPECT_TRUE(kernel) << c.op;
  if (kernel) results.prepared = evaluate(kernel);
  return results;
}

void expect_same_bits(const Results& results) {
  EXPECT_TRUE(results.reference.same_bytes(results.prepared));
}

void expect_near(const Results& results, float tolerance) {
  const auto expected = results.reference.data<float>(), actual = results.prepared.data<float>();
  ASSERT_EQ(expected.size(), actual.size());
  for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(expected[i], actual[i], tolerance) << i;
}

TEST(PreparedKernels, Gemm) {
  Random random(1);
  for (int i = 0; i < 100; ++i) {
    const int64_t m = pick(random, 1, 20), n = pick(random, 1, 120), k = pick(random, 1, 40);
    const bool trans_b = pick(random, 0, 1) != 0;
    const std::vector<Dims> c_dims{{}, {n}, {1, n}, {m, 1}, {m, n}};
    Case c{"Gemm",
           {{"transB", static_cast<int64_t>(trans_b)}, {"alpha", 0.75F}, {"beta", 1.5F}},
           {random_tensor({m, k}, random), random_tensor(trans_b ? Dims{n, k} : Dims{k, n}, random),
            random_tensor(c_dims[static_cast<size_t>(pick(random, 0, 4))], random)}};
    expect_same_bits(run_both(c, -1.0F, 2.0F));
    c.inputs.pop_back();
    expect_same_bits(run_both(c, -INFINITY, INFINITY, false));
  }
}

TEST(PreparedKernels, MatMul) {
  Random random(2);
  for (int i = 0; i < 60; ++i) {
    const int64_t m = pick(random, 1, 20), n = pick(random, 1, 60), k = pick(random, 1, 30), b = pick(random, 1, 3);
    const std::vector<std::pair<Dims, Dims>> shapes{
        {{m, k}, {k, n}}, {{k}, {k, n}}, {{b, m, k}, {k}}, {{2, 1, m, k}, {b, k, n}}, {{b, m, k}, {b, k, n}}};
    for (const auto& [left, right] : shapes) {
      expect_same_bits(run_both({"MatMul", {}, {random_tensor(left, random), random_tensor(right, random)}}));
      expect_same_bits(
          run_both({"MatMul", {}, {random_tensor(left, random), random_tensor(right, random)}}, -0.5F, 0.5F, false));
    }
  }
}

Case random_pool(std::string_view op, Random& random) {
  const int64_t height = pick(random, 1, 30), width = pick(random, 1, 30);
  const Dims kernel{pick(random, 1, std::min<int64_t>(4, height)), pick(random, 1, std::min<int64_t>(4, width))};
  const auto pad = [&](size_t axis) { return pick(random, 0, kernel[axis] - 1); };
  return {op,
          {{"kernel_shape", kernel},
           {"strides", Dims{pick(random, 1, 3), pick(random, 1, 3)}},
           {"pads", Dims{pad(0), pad(1), pad(0), pad(1)}},
           {"ceil_mode", pick(random, 0, 1)}},
          {random_tensor({pick(random, 1, 3), pick(random, 1, 4), height, width}, random)}};
}

TEST(PreparedKernels, MaxPool) {
  Random random(3);
  for (int i = 0; i < 200; ++i) expect_same_bits(run_both(random_pool("MaxPool", random)));
}

TEST(PreparedKernels, AveragePool) {
  Random random(4);
  for (int i = 0; i < 200; ++i) {
    Case c = random_pool("AveragePool", random);
    c.attributes["count_include_pad"] = pick(random, 0, 1);
    expect_near(run_both(c), 1e-6F);
  }
  const Case whole_rows{"AveragePool", {{"kernel_shape", Dims{24, 5}}}, {random_tensor({2, 3, 24, 5}, random)}};
  expect_near(run_both(whole_rows), 1e-6F);
}

TEST(PreparedKernels, ConvTranspose) {
  Random random(8);
  for (int i = 0; i < 150; ++i) {
    const int64_t groups = pick(random, 1, 2), channels = groups * pick(random, 1, 5), out = pick(random, 1, 4);
    const Dims kernel{pick(random, 1, 4), pick(random, 1, 4)}, strides{pick(random, 1, 3), pick(random, 1, 3)};
    const auto pad = [&](size_t axis) { return pick(random, 0, (kernel[axis] - 1) / 2); };
    Case c{"ConvTranspose",
           {{"group", groups},
            {"strides", strides},
            {"pads", Dims{pad(0), pad(1), pad(0), pad(1)}},
            {"dilations", Dims{pick(random, 1, 2), pick(random, 1, 2)}},
            {"output_padding", Dims{pick(random, 0, strides[0] - 1), pick(random, 0, strides[1] - 1)}}},
           {random_tensor({pick(random, 1, 2), channels, pick(random, 1, 9), pick(random, 1, 20)}, random),
            random_tensor({channels, out, kernel[0], kernel[1]}, random), random_tensor({groups * out}, random)}};
    expect_near(run_both(c, -0.5F, 1.5F), 1e-5F);
    c.inputs.pop_back();
    expect_near(run_both(c, -INFINITY, INFINITY, false), 1e-5F);
  }
}

TEST(PreparedKernels, BatchNormalization) {
  Random random(5);
  for (const Dims& dims : {Dims{3, 4, 5, 7}, Dims{2, 6}, Dims{1, 1, 40}}) {
    const Dims channels{dims[1]};
    const Case c{"BatchNormalization",
                 {},
                 {random_tensor(dims, random), random_tensor(channels, random), random_tensor(channels, random),
                  random_tensor(channels, random), random_tensor(channels, random, 0.1F)}};
    expect_same_bits(run_both(c, -0.5F, 0.75F));
  }
}

TEST(PreparedKernels, ArithmeticBroadcasts) {
  Random random(6);
  const std::vector<std::pair<Dims, Dims>> shapes{{{2, 3, 5, 7}, {2, 3, 5, 7}},
                                                  {{2, 3, 5, 7}, {3, 1, 1}},
                                                  {{}, {33}},
                                                  {{4, 1, 6}, {5, 1}},
                                                  {{1, 1}, {1}},
                                                  {{3, 0}, {1}}};
  for (const auto& [left, right] : shapes) {
    const Tensor a = random_tensor(left, random), b = random_tensor(right, random);
    const std::vector<std::pair<std::string_view, std::function<float(float, float)>>> ops{
        {"Add", std::plus<float>()},
        {"Sub", std::minus<float>()},
        {"Mul", std::multiplies<float>()},
        {"Div", std::divides<float>()}};
    for (const auto& [op, function] : ops) {
      const Results results = run_both({op, {}, {a, b}}, -0.5F, 0.5F);
      expect_same_bits(results);
      if (left != right) continue;
      for (size_t i = 0; i < a.data<float>().size(); ++i) {
        const float exact = function(a.data<float>()[i], b.data<float>()[i]);
        ASSERT_EQ(results.prepared.data<float>()[i], std::clamp(exact, -0.5F, 0.5F));
      }
    }
  }
}

TEST(HeavyOps, RefuseAnOperandOfAnotherType) {
  const TensorType matrix{DataType::kFloat, Shape{4, 4}}, image{DataType::kFloat, Shape{1, 4, 4, 4}};
  const TensorType wrong_matrix{DataType::kDouble, Shape{4, 4}}, wrong_image{DataType::kDouble, Shape{4, 4, 1, 1}};
  const std::vector<std::tuple<std::string_view, TensorType, TensorType>> cases{
      {"Gemm", matrix, wrong_matrix},       {"MatMul", matrix, wrong_matrix},         {"Add", matrix, wrong_matrix},
      {"PRelu", matrix, wrong_matrix},      {"Clip", matrix, {DataType::kInt32, {}}}, {"Conv", image, wrong_image},
      {"ConvTranspose", image, wrong_image}};
  for (const auto& [op, data, other] : cases) {
    Node node;
    node.op = find_op("", op);
    node.inputs = {ValueId{0}, ValueId{1}};
    node.outputs = {ValueId{2}};
    InferContext context(node, {{data, nullptr, {}}, {other, nullptr, {}}});
    try {
      node.op->infer(context);
      ADD_FAILURE() << op;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kModel);
      EXPECT_EQ(error.message(), "input 1 is " + std::string(name_of(other.dtype)) + ", expected float32 as operand 0");
    }
  }
}

// Relative to the true value, over the whole range of floats that matters.
void expect_close(kernels::Function function, double (*exact)(double), float low, float high) {
  std::vector<float> x, y(4096 + 16);
  for (int i = 0; i < 4096; ++i) x.push_back(low + (high - low) * static_cast<float>(i) / 4095.0F);
  for (int i = 0; i < 40; ++i) x[static_cast<size_t>(i)] = std::ldexp(i % 2 == 0 ? 1.0F : -1.0F, -i);
  x.resize(x.size() + 16);
  kernels::apply(function, x.data(), 4096, y.data());
  for (size_t i = 0; i < 4096; ++i) {
    const double expected = exact(static_cast<double>(x[i]));
    ASSERT_NEAR(static_cast<double>(y[i]), expected, std::abs(expected) * 6e-7 + 1e-42) << x[i];
  }
}

TEST(ElementFunctions, AreCloseToTheTrueValues) {
  expect_close(
      kernels::Function::kExp, [](double x) { return std::exp(x); }, -95.0F, 88.7F);
  expect_close(
      kernels::Function::kTanh, [](double x) { return std::tanh(x); }, -10.0F, 10.0F);
  expect_close(
      kernels::Function::kErf, [](double x) { return std::erf(x); }, -6.0F, 6.0F);
  expect_close(
      kernels::Function::kSigmoid, [](double x) { return 1.0 / (1.0 + std::exp(-x)); }, -80.0F, 80.0F);
}

TEST(ElementFunctions, KeepSpecialValues) {
  const std::vector<float> x{INFINITY, -INFINITY, NAN, 0.0F};
  std::vector<float> padded = x;
  padded.resize(32);
  const auto value = [&](kernels::Function function, size_t i) {
    std::vector<float> y(4);
    kernels::apply(function, padded.data(), 4, y.data());
    return y[i];
  };
  EXPECT_EQ(value(kernels::Function::kExp, 0), INFINITY);
  EXPECT_EQ(value(kernels::Function::kExp, 1), 0.0F);
  EXPECT_EQ(value(kernels::Function::kExp, 3), 1.0F);
  EXPECT_EQ(value(kernels::Function::kTanh, 0), 1.0F);
  EXPECT_EQ(value(kernels::Function::kTanh, 1), -1.0F);
  EXPECT_EQ(value(kernels::Function::kErf, 1), -1.0F);
  EXPECT_EQ(value(kernels::Function::kSigmoid, 1), 0.0F);
  for (const auto function :
       {kernels::Function::kExp, kernels::Function::kTanh, kernels::Function::kErf, kernels::Function::kSigmoid}) {
    EXPECT_TRUE(std::isnan(value(function, 2)));
  }
}

TEST(SumOf, DoesNotDependOnWhereItStands) {
  Random random(7);
  const Tensor x = random_tensor({300}, random);
  for (int64_t count = 0; count < 100; ++count) {
    std::vector<float> shifted(static_cast<size_t>(count) + 40);
    std::copy_n(x.data<float>().data(), count, shifted.data() + 3);
    EXPECT_EQ(kernels::sum_of(x.data<float>().data(), count), kernels::sum_of(shifted.data() + 3, count));
  }
}

}  // namespace
}  // namespace tinyc
