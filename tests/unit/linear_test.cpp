// The ops' products with constant matrices against the ops themselves: weights times gathered numbers plus bias are
// what the op computes.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "unit/graph_builder.h"
#include "unit/op_test_util.h"

namespace tinyc::testing {
namespace {

struct Case {
  std::string op;
  std::vector<Dims> operands;
  AttributeList attributes;
  // Element of the output that holds row r of group g at position p.
  std::function<int64_t(const LinearForm& form, const Dims& y, int64_t g, int64_t r, int64_t p)> at;
};

Tensor random(const Dims& dims, uint64_t seed) {
  return GraphBuilder::random_tensor(dims, 1.0F, seed);
}

std::optional<LinearForm> form_of(const std::string& op, const AttributeList& attributes, int weight,
                                  const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs = {}) {
  Node node;
  node.op = find_op("", op);
  node.attributes = attributes;
  return node.op->linear({node, weight, inputs, outputs});
}

// The products of all groups and rows at a position, with the bias where there is one.
std::vector<double> sums_at(const LinearForm& form, const Tensor& weights, const Tensor& bias, int64_t position) {
  std::vector<double> sums;
  for (int64_t g = 0; g < form.groups; ++g) {
    std::vector<float> numbers(static_cast<size_t>(form.columns), NAN);
    form.gather(g, position, 1, numbers.data(), form.columns);
    for (int64_t r = 0; r < form.rows; ++r) {
      double sum =
          bias.defined() ? static_cast<double>(bias.data<float>()[static_cast<size_t>(form.bias_at(g, r))]) : 0.0;
      for (int64_t c = 0; c < form.columns; ++c) {
        sum += static_cast<double>(weights.data<float>()[static_cast<size_t>(form.weight_at(g, r, c))]) *
               static_cast<double>(numbers[static_cast<size_t>(c)]);
      }
      sums.push_back(sum);
    }
  }
  return sums;
}

int64_t planes(const LinearForm& form, const Dims& y, int64_t g, int64_t r, int64_t p) {
  const int64_t plane = element_count(y) / y[0] / y[1];
  return (p / plane * y[1] + g * form.rows + r) * plane + p % plane;
}
int64_t lines(const LinearForm& form, const Dims& /*y*/, int64_t /*g*/, int64_t r, int64_t p) {
  return p * form.rows + r;
}

class LinearTest : public ::testing::TestWithParam<Case> {};

TEST_P(LinearTest, ProductsAreTheOps) {
  const Case& test = GetParam();
  std::vector<Tensor> inputs;
  for (const Dims& dims : test.operands) inputs.push_back(random(dims, inputs.size() + 1));
  const Tensor y = run_op(test.op, inputs, test.attributes).front();
  const auto form = form_of(test.op, test.attributes, 1, inputs);
  ASSERT_TRUE(form);
  ASSERT_EQ(form->positions * form->groups * form->rows, y.size());
  const Tensor bias = inputs.size() > 2 ? inputs[2] : Tensor();
  EXPECT_EQ(form->bias >= 0 ? form->bias_size : 0, bias.defined() ? bias.size() : 0);
  for (int64_t p = 0; p < form->positions; ++p) {
    const std::vector<double> sums = sums_at(*form, inputs[1], bias, p);
    for (int64_t i = 0; i < form->groups * form->rows; ++i) {
      const int64_t at = test.at(*form, y.dims(), i / form->rows, i % form->rows, p);
      ASSERT_NEAR(sums[static_cast<size_t>(i)], static_cast<double>(y.data<float>()[static_cast<size_t>(at)]), 1e-4);
    }
  }
}

AttributeList ints(std::initializer_list<std::pair<const char*, std::vector<int64_t>>> lists, int64_t group = 1) {
  AttributeList attributes{{"group", group}};
  for (const auto& [name, values] : lists) attributes[name] = values;
  return attributes;
}

INSTANTIATE_TEST_SUITE_P(
    Ops, LinearTest,
    ::testing::Values(
        Case{"Conv", {{2, 3, 5, 4}, {4, 3, 3, 2}, {4}}, ints({{"pads", {1, 0, 1, 1}}}), planes},
        Case{"Conv", {{2, 4, 7, 6}, {6, 2, 3, 3}, {6}}, ints({{"strides", {2, 1}}, {"dilations", {1, 2}}}, 2), planes},
        Case{"Conv", {{1, 3, 5, 5}, {6, 1, 3, 3}, {6}}, ints({{"pads", {2, 1, 0, 1}}}, 3), planes},
        Case{"Conv", {{2, 2, 9}, {3, 2, 4}, {3}}, ints({{"strides", {3}}}), planes},
        Case{"ConvTranspose",
             {{2, 4, 3, 4}, {4, 3, 3, 2}, {3}},
             ints({{"strides", {2, 3}}, {"pads", {1, 0, 0, 1}}}),
             planes},
        Case{"ConvTranspose", {{1, 4, 3, 3}, {4, 2, 3, 3}, {4}}, ints({{"dilations", {2, 1}}}, 2), planes},
        Case{"Gemm", {{3, 5}, {5, 4}, {4}}, {}, lines},
        Case{"Gemm", {{5, 3}, {4, 5}, {4}}, {{"transA", int64_t{1}}, {"transB", int64_t{1}}}, lines}),
    [](const auto& test) { return test.param.op + std::to_string(test.index); });

TEST(Linear, MatMulHasNoBias) {
  const std::vector<Tensor> inputs{random({2, 3, 5}, 1), random({5, 4}, 2)};
  const Tensor y = run_op("MatMul", inputs).front();
  const auto form = form_of("MatMul", {}, 1, inputs);
  ASSERT_TRUE(form);
  EXPECT_EQ(form->bias, -1);
  ASSERT_EQ(form->positions, 6);
  for (int64_t p = 0; p < form->positions; ++p) {
    const std::vector<double> sums = sums_at(*form, inputs[1], Tensor(), p);
    for (size_t r = 0; r < 4; ++r) {
      ASSERT_NEAR(sums[r], static_cast<double>(y.data<float>()[static_cast<size_t>(p) * 4 + r]), 1e-5);
    }
  }
}

TEST(Linear, NothingWhereNoMatrixIsConstant) {
  EXPECT_FALSE(form_of("MatMul", {}, 1, {random({2, 3, 5}, 1), random({2, 5, 4}, 2)}));
  EXPECT_FALSE(form_of("Gemm", {{"alpha", 0.5F}}, 1, {random({3, 5}, 1), random({5, 4}, 2)}));
  EXPECT_EQ(find_op("", "Relu")->linear, nullptr);
}

// An RNN's results are the tanh of both products and both biases.
void expect_rnn(const AttributeList& attributes, int64_t directions, bool batch_first) {
  constexpr int64_t kSteps = 4, kBatch = 2, kInputs = 3, kHidden = 5;
  const Dims x_dims = batch_first ? Dims{kBatch, kSteps, kInputs} : Dims{kSteps, kBatch, kInputs};
  const Dims state = batch_first ? Dims{kBatch, directions, kHidden} : Dims{directions, kBatch, kHidden};
  const std::vector<Tensor> inputs{random(x_dims, 1),
                                   random({directions, kHidden, kInputs}, 2),
                                   random({directions, kHidden, kHidden}, 3),
                                   random({directions, 2 * kHidden}, 4),
                                   Tensor::of<int32_t>({kBatch}, std::vector<int32_t>{4, 3}),
                                   random(state, 5)};
  const Tensor y = run_op("RNN", inputs, attributes).front();
  const auto of_inputs = form_of("RNN", attributes, 1, inputs), of_states = form_of("RNN", attributes, 2, inputs, {y});
  ASSERT_TRUE(of_inputs && of_states);
  ASSERT_EQ(of_inputs->positions, 7);
  for (int64_t p = 0; p < 7; ++p) {
    const int64_t step = p / kBatch, sample = p % kBatch;
    const std::vector<double> a = sums_at(*of_inputs, inputs[1], inputs[3], p);
    const std::vector<double> b = sums_at(*of_states, inputs[2], inputs[3], p);
    for (int64_t i = 0; i < directions * kHidden; ++i) {
      const int64_t d = i / kHidden, r = i % kHidden;
      const int64_t row =
          batch_first ? (sample * kSteps + step) * directions + d : (step * directions + d) * kBatch + sample;
      const auto at = static_cast<size_t>(row * kHidden + r), unit = static_cast<size_t>(i);
      ASSERT_NEAR(std::tanh(a[unit] + b[unit]), static_cast<double>(y.data<float>()[at]), 1e-5);
    }
  }
}

TEST(Linear, RecurrentForward) {
  expect_rnn({{"hidden_size", int64_t{5}}}, 1, false);
}
TEST(Linear, RecurrentReverse) {
  expect_rnn({{"hidden_size", int64_t{5}}, {"direction", std::string("reverse")}}, 1, false);
}
TEST(Linear, RecurrentBothWaysBatchFirst) {
  expect_rnn({{"hidden_size", int64_t{5}}, {"direction", std::string("bidirectional")}, {"layout", int64_t{1}}}, 2,
             true);
}

TEST(Linear, AResetStateIsNotSeen) {
  const std::vector<Tensor> inputs{random({4, 1, 3}, 1), random({1, 15, 3}, 2), random({1, 15, 5}, 3)};
  const AttributeList attributes{{"hidden_size", int64_t{5}}};
  const Tensor y = run_op("GRU", inputs, attributes).front();
  EXPECT_EQ(form_of("GRU", attributes, 1, inputs)->rows, 15);
  EXPECT_EQ(form_of("GRU", attributes, 2, inputs, {y})->rows, 10);
}

TEST(Linear, StatesThatAreNotHandedOutAreComputed) {
  const std::vector<Tensor> inputs{random({4, 1, 3}, 1), random({1, 15, 3}, 2), random({1, 15, 5}, 3)};
  const AttributeList attributes{{"hidden_size", int64_t{5}}};
  const auto known = form_of("GRU", attributes, 2, inputs, {run_op("GRU", inputs, attributes).front()});
  const auto computed = form_of("GRU", attributes, 2, inputs);
  ASSERT_TRUE(known && computed);
  std::vector<float> a(20), b(20);
  known->gather(0, 0, 4, a.data(), 5);
  computed->gather(0, 0, 4, b.data(), 5);
  EXPECT_EQ(a, b);
}

}  // namespace
}  // namespace tinyc::testing
