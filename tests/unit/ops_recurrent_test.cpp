// RNN, GRU and LSTM: what the official node tests leave out.
#include <gtest/gtest.h>

#include <cmath>

#include "op_test_util.h"
#include "tinyc/base/rng.h"

namespace tinyc {
namespace {

Tensor random_tensor(const Dims& dims, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(element_count(dims)));
  for (float& value : values) value = static_cast<float>(rng.uniform()) - 0.5F;
  return Tensor::of<float>(dims, values);
}

struct Layer {
  std::string op;
  int64_t gates;
  size_t outputs;
};
class Recurrent : public ::testing::TestWithParam<Layer> {
 protected:
  static constexpr int64_t kSteps = 6, kBatch = 5, kInputs = 3, kHidden = 7;
  std::vector<Tensor> operands(int64_t directions, int64_t batch = kBatch) const {
    const int64_t columns = GetParam().gates * kHidden;
    return {random_tensor({kSteps, batch, kInputs}, 1), random_tensor({directions, columns, kInputs}, 2),
            random_tensor({directions, columns, kHidden}, 3), random_tensor({directions, 2 * columns}, 4)};
  }
  std::vector<Tensor> run(const std::vector<Tensor>& inputs, AttributeList attributes = {}) const {
    attributes["hidden_size"] = kHidden;
    return run_op(GetParam().op, inputs, std::move(attributes), GetParam().outputs);
  }
};

// Steps [first, first + count) of sample `sample` of Y [steps, directions, batch, hidden], direction `direction`.
std::vector<float> trace(const Tensor& y, int64_t direction, int64_t sample, int64_t first, int64_t count) {
  const Dims& d = y.dims();
  const std::vector<float> all = elements<float>(y);
  std::vector<float> out;
  for (int64_t step = first; step < first + count; ++step) {
    const auto from = all.begin() + ((step * d[1] + direction) * d[2] + sample) * d[3];
    out.insert(out.end(), from, from + d[3]);
  }
  return out;
}

TEST_P(Recurrent, SampleBitsDoNotDependOnTheBatch) {
  const std::vector<Tensor> together = operands(1);
  const Tensor y = run(together)[0];
  for (int64_t sample = 0; sample < kBatch; ++sample) {
    std::vector<Tensor> alone = together;
    alone[0] = run_op("Slice", {together[0], Tensor::of<int64_t>({1}, std::vector<int64_t>{sample}),
                                Tensor::of<int64_t>({1}, std::vector<int64_t>{sample + 1}),
                                Tensor::of<int64_t>({1}, std::vector<int64_t>{1})})[0];
    EXPECT_EQ(trace(run(alone)[0], 0, 0, 0, kSteps), trace(y, 0, sample, 0, kSteps));
  }
}

TEST_P(Recurrent, ReverseIsForwardOverTheReversedSteps) {
  const std::vector<Tensor> inputs = operands(1);
  const Tensor reversed = run(inputs, {{"direction", std::string("reverse")}})[0];
  std::vector<Tensor> mirrored = inputs;
  mirrored[0] =
      run_op("ReverseSequence", {inputs[0], Tensor::of<int64_t>({kBatch}, std::vector<int64_t>(kBatch, kSteps))})[0];
  const Tensor forward = run(mirrored)[0];
  for (int64_t step = 0; step < kSteps; ++step) {
    EXPECT_EQ(trace(reversed, 0, 2, step, 1), trace(forward, 0, 2, kSteps - 1 - step, 1));
  }
}

TEST_P(Recurrent, AnEndedSequenceKeepsItsStateAndGivesZeros) {
  std::vector<Tensor> inputs = operands(2);
  const Tensor whole = run(inputs, {{"direction", std::string("bidirectional")}})[0];
  inputs.push_back(Tensor::of<int32_t>({kBatch}, std::vector<int32_t>{6, 3, 1, 0, 5}));
  const std::vector<Tensor> outputs = run(inputs, {{"direction", std::string("bidirectional")}});
  const Tensor& y = outputs[0];
  EXPECT_EQ(trace(y, 0, 1, 0, 3), trace(whole, 0, 1, 0, 3));
  EXPECT_EQ(trace(y, 0, 1, 3, 3), std::vector<float>(3 * kHidden, 0.0F));
  EXPECT_EQ(trace(y, 1, 3, 0, kSteps), std::vector<float>(kSteps * kHidden, 0.0F));
  const Tensor last = outputs[1].reshaped({1, 2, kBatch, kHidden});
  EXPECT_EQ(trace(last, 0, 1, 0, 1), trace(y, 0, 1, 2, 1));
  EXPECT_EQ(trace(last, 1, 1, 0, 1), trace(y, 1, 1, 0, 1));
}

TEST_P(Recurrent, LayoutOnePutsTheBatchFirst) {
  const std::vector<Tensor> inputs = operands(2);
  const AttributeList bidirectional = {{"direction", std::string("bidirectional")}};
  const Tensor y = run(inputs, bidirectional)[0];
  std::vector<Tensor> batch_first = inputs;
  batch_first[0] = run_op("Transpose", {inputs[0]}, {{"perm", std::vector<int64_t>{1, 0, 2}}})[0];
  AttributeList attributes = bidirectional;
  attributes["layout"] = int64_t{1};
  const Tensor found = run(batch_first, attributes)[0];
  EXPECT_TRUE(run_op("Transpose", {y}, {{"perm", std::vector<int64_t>{2, 0, 1, 3}}})[0].same_bytes(found));
}

TEST_P(Recurrent, RefusesASequenceLongerThanTheSteps) {
  std::vector<Tensor> inputs = operands(1);
  inputs.push_back(Tensor::of<int32_t>({kBatch}, std::vector<int32_t>{6, 7, 1, 1, 1}));
  EXPECT_THROW(run(inputs), Error);
}

TEST_P(Recurrent, RefusesWeightsOfAnotherWidth) {
  std::vector<Tensor> inputs = operands(1);
  inputs[1] = random_tensor({1, GetParam().gates * kHidden, kInputs + 1}, 5);
  EXPECT_THROW(run(inputs), Error);
}

INSTANTIATE_TEST_SUITE_P(Layers, Recurrent,
                         ::testing::Values(Layer{"RNN", 1, 2}, Layer{"GRU", 3, 2}, Layer{"LSTM", 4, 3}),
                         [](const auto& layer) { return layer.param.op; });

// One step with scalar weights, computed by hand from the equations of the specification.
TEST(RecurrentCell, GruWithLinearBeforeReset) {
  const auto one = [](float value) { return std::vector<float>(3, value); };
  const Tensor x = Tensor::of<float>({1, 1, 1}, std::vector<float>{0.5F});
  const Tensor w = Tensor::of<float>({1, 3, 1}, one(0.7F));
  const Tensor r = Tensor::of<float>({1, 3, 1}, one(-0.3F));
  const Tensor b = Tensor::of<float>({1, 6}, std::vector<float>{0.1F, 0.2F, 0.3F, 0.4F, 0.5F, 0.6F});
  const Tensor h = Tensor::of<float>({1, 1, 1}, std::vector<float>{0.9F});
  const auto sigmoid = [](double v) { return 1.0 / (1.0 + std::exp(-v)); };
  const double z = sigmoid(0.35 + 0.1 - 0.27 + 0.4);
  const double reset = sigmoid(0.35 + 0.2 - 0.27 + 0.5);
  for (const int64_t linear : {0, 1}) {
    const double recurrent = linear != 0 ? reset * (-0.27 + 0.6) : reset * 0.9 * -0.3 + 0.6;
    const double n = std::tanh(0.35 + 0.3 + recurrent);
    const Tensor y =
        run_op("GRU", {x, w, r, b, Tensor(), h}, {{"hidden_size", int64_t{1}}, {"linear_before_reset", linear}}, 2)[1];
    EXPECT_NEAR(y.data<float>()[0], (1.0 - z) * n + z * 0.9, 1e-6);
  }
}

}  // namespace
}  // namespace tinyc
