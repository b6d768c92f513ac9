// Hand-made graphs on grids whose scales are powers of two: every sum of floats is exact there, so that "the same
// integers" is "the same bits" in the simulated engine too.
#include <gtest/gtest.h>

#include <cmath>

#include "tinyc/ir/verify.h"
#include "tinyc/pass/rewrite.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

constexpr float kStep = 0.0625F;   // of activations
constexpr float kWeight = 0.125F;  // of weights

QParams grid(DataType storage, float scale, int32_t zero, int32_t low, int32_t high) {
  QParams params;
  params.storage = storage;
  params.scales = {scale};
  params.zero_points = {zero};
  params.q_min = low;
  params.q_max = high;
  return params;
}

class Network : public GraphBuilder {
 public:
  // A tensor on the grid of activations; its zero is at the low end, as behind a Relu, or in the middle.
  ValueId on_grid(ValueId id, bool positive) {
    annotated_.push_back({id, grid(DataType::kUint8, kStep, positive ? 0 : 128, 0, 255)});
    return id;
  }
  ValueId weights(const std::string& name, const Dims& dims, const std::vector<float>& steps, bool transposed = false) {
    std::vector<float> real;
    for (const float step : steps) real.push_back(step * kWeight);
    const ValueId id = constant(name, dims, real);
    QParams params = grid(DataType::kInt8, kWeight, 0, -127, 127);
    params.axis = transposed ? 1 : 0;
    params.scales.assign(static_cast<size_t>(dims[transposed ? 1 : 0]), kWeight);
    params.zero_points.assign(params.scales.size(), 0);
    annotated_.push_back({id, params});
    return id;
  }
  ValueId bias(const std::string& name, const std::vector<float>& steps) {
    std::vector<float> real;
    for (const float step : steps) real.push_back(step * kStep * kWeight);
    const ValueId id = constant(name, {static_cast<int64_t>(steps.size())}, real);
    QParams params = grid(DataType::kInt32, kStep * kWeight, 0, INT32_MIN, INT32_MAX);
    params.axis = 0;
    params.scales.assign(steps.size(), kStep * kWeight);
    params.zero_points.assign(steps.size(), 0);
    annotated_.push_back({id, params});
    return id;
  }
  ValueId conv(ValueId x, ValueId w, ValueId bias, int64_t pad = 0, int64_t group = 1) {
    return node("Conv", {x, w, bias}, {{"pads", std::vector<int64_t>(4, pad)}, {"group", group}});
  }
  ValueId relu(ValueId x) { return on_grid(node("Relu", {x}), true); }
  Graph graph(const std::vector<ValueId>& outputs) {
    Graph made = finish(outputs);
    for (const auto& [id, params] : annotated_) made[id].quant = params;
    return made;
  }

 private:
  std::vector<std::pair<ValueId, QParams>> annotated_;
};

std::vector<float> random_steps(int64_t count, Rng& rng, double scale = 20.0) {
  std::vector<float> steps;
  for (int64_t i = 0; i < count; ++i) steps.push_back(static_cast<float>(std::round(rng.uniform(-scale, scale))));
  return steps;
}

// Runs the pass, expects equal bits, and gives the changed graph.
Graph eliminated(const Graph& before, int64_t* channels = nullptr) {
  Graph after = before;
  PassContext context;
  run_pass(after, "eliminate-constant-channels", context);
  verify(after);
  if (channels != nullptr) *channels = context.counters["eliminate-constant-channels.channels"];
  Program::Options options;
  options.engine = Engine::kSimulated;
  for (uint64_t seed = 1; seed < 6; ++seed) {
    Sample sample = random_sample(before, seed);
    for (Tensor& tensor : sample) {
      Tensor wide = Tensor::zeros(DataType::kFloat, tensor.dims());
      for (size_t i = 0; i < wide.data<float>().size(); ++i)
        wide.mutable_data<float>()[i] = 8.0F * tensor.data<float>()[i];
      tensor = wide;
    }
    Workspace a, b;
    const std::vector<Tensor> expected = Program(before, options).run(sample, a);
    const std::vector<Tensor> actual = Program(after, options).run(sample, b);
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(actual[i].same_bytes(expected[i])) << "seed " << seed;
  }
  return after;
}

Dims weight_dims(const Graph& graph, size_t layer) {
  size_t seen = 0;
  for (const Node& node : graph.nodes) {
    if (node.op->quant.weights[0] >= 0 && seen++ == layer) return graph[node.inputs[1]].constant->dims();
  }
  return {};
}

// conv 3x3 (2 -> 4, channel 1 without weights and with `bias1`) -> relu -> reader.
struct Start {
  Network net;
  ValueId out;
  explicit Start(float bias1, int64_t size = 6) {
    Rng rng(7);
    const ValueId x = net.on_grid(net.input("x", {1, 2, size, size}), false);
    std::vector<float> w = random_steps(4 * 2 * 9, rng);
    std::fill(w.begin() + 18, w.begin() + 36, 0.0F);
    out = net.relu(net.conv(x, net.weights("w1", {4, 2, 3, 3}, w), net.bias("b1", {40, bias1, -16, 8}), 1));
  }
  Graph finish(ValueId last) { return net.graph({net.on_grid(last, false)}); }
};

TEST(EliminateConstantChannels, ADeadChannelLeavesThroughDepthwise) {
  Start start(-100.0F);
  Rng rng(3);
  const ValueId depthwise =
      start.net.relu(start.net.conv(start.out, start.net.weights("w2", {4, 1, 3, 3}, random_steps(36, rng)),
                                    start.net.bias("b2", {8, 800, 16, -8}), 1, 4));
  const ValueId last = start.net.conv(depthwise, start.net.weights("w3", {3, 4, 1, 1}, random_steps(12, rng)),
                                      start.net.bias("b3", {1, 2, 3}));
  int64_t channels = 0;
  const Graph after = eliminated(start.finish(last), &channels);
  EXPECT_EQ(channels, 2);
  EXPECT_EQ(weight_dims(after, 0), (Dims{3, 2, 3, 3}));
  EXPECT_EQ(weight_dims(after, 1), (Dims{3, 1, 3, 3}));
  EXPECT_EQ(weight_dims(after, 2), (Dims{3, 3, 1, 1}));
  EXPECT_EQ(std::get<QParams>(*after[after.nodes[0].inputs[1]].quant).scales.size(), 3U);
}

TEST(EliminateConstantChannels, AConstantThatIsNotZeroGoesIntoTheBiasOfAPointwiseLayer) {
  Start start(800.0F);
  Rng rng(4);
  const ValueId last =
      start.net.conv(start.out, start.net.weights("w2", {3, 4, 1, 1}, random_steps(12, rng)), kNoValue);
  const Graph after = eliminated(start.finish(last));
  EXPECT_EQ(weight_dims(after, 0), (Dims{3, 2, 3, 3}));
  EXPECT_EQ(weight_dims(after, 1), (Dims{3, 3, 1, 1}));
  EXPECT_NE(operand(after.nodes.back(), 2), kNoValue);
}

TEST(EliminateConstantChannels, AConstantThatIsNotZeroStaysBeforePadding) {
  for (const int64_t pad : {0, 1}) {
    Start start(800.0F);
    Rng rng(5);
    const ValueId last =
        start.net.conv(start.out, start.net.weights("w2", {3, 4, 3, 3}, random_steps(108, rng)), kNoValue, pad);
    EXPECT_EQ(weight_dims(eliminated(start.finish(last)), 0)[0], pad == 0 ? 3 : 4);
  }
}

// The depthwise layer sees 0 in the padding, so its result differs at the border: not constant.
TEST(EliminateConstantChannels, ANonzeroConstantStaysBeforeAPaddedDepthwiseLayer) {
  for (const int64_t pad : {0, 1}) {
    Start start(800.0F);
    Rng rng(6);
    const ValueId depthwise = start.net.relu(start.net.conv(
        start.out, start.net.weights("w2", {4, 1, 3, 3}, std::vector<float>(36, 5.0F)), kNoValue, pad, 4));
    const ValueId last =
        start.net.conv(depthwise, start.net.weights("w3", {3, 4, 1, 1}, random_steps(12, rng)), kNoValue);
    EXPECT_EQ(weight_dims(eliminated(start.finish(last)), 0)[0], pad == 0 ? 3 : 4);
  }
}

// Weights there are, but no input lifts the sum above 0: at most 18 taps of 20 steps times 128.
TEST(EliminateConstantChannels, AReluThatNeverOpensMakesAConstant) {
  for (const float bias : {-50000.0F, -2000.0F}) {
    Network net;
    Rng rng(8);
    const ValueId x = net.on_grid(net.input("x", {1, 2, 5, 5}), false);
    const ValueId w = net.weights("w1", {3, 2, 3, 3}, random_steps(54, rng));
    const ValueId first = net.relu(net.conv(x, w, net.bias("b1", {0, bias, 8})));
    const ValueId last = net.conv(first, net.weights("w2", {2, 3, 3, 3}, random_steps(54, rng)), kNoValue, 1);
    const Graph after = eliminated(net.graph({net.on_grid(last, false)}));
    EXPECT_EQ(weight_dims(after, 0)[0], bias < -46080.0F ? 2 : 3);
  }
}

TEST(EliminateConstantChannels, AResidualKeepsAChannelThatTheOtherSideNeeds) {
  for (const bool both : {false, true}) {
    Start start(-100.0F);
    Rng rng(9);
    std::vector<float> w = random_steps(4 * 4 * 9, rng);
    if (both) std::fill(w.begin() + 36, w.begin() + 72, 0.0F);
    const ValueId side = start.net.relu(start.net.conv(start.out, start.net.weights("w2", {4, 4, 3, 3}, w),
                                                       start.net.bias("b2", {1, both ? -5.0F : 5.0F, 3, 4}), 1));
    const ValueId sum = start.net.on_grid(start.net.node("Add", {start.out, side}), true);
    const ValueId last = start.net.conv(sum, start.net.weights("w3", {3, 4, 1, 1}, random_steps(12, rng)), kNoValue);
    EXPECT_EQ(weight_dims(eliminated(start.finish(last)), 0)[0], both ? 3 : 4);
  }
}

TEST(EliminateConstantChannels, OutputsOfTheGraphKeepTheirChannels) {
  Start start(-100.0F);
  const Graph before = start.net.graph({start.out});
  EXPECT_EQ(weight_dims(eliminated(before), 0), (Dims{4, 2, 3, 3}));
}

TEST(EliminateConstantChannels, AFlattenedChannelTakesAllItsElements) {
  Start start(800.0F, 4);
  Rng rng(10);
  const ValueId target = start.net.constant("target", Tensor::of<int64_t>({2}, std::vector<int64_t>{1, 64}));
  const ValueId flat = start.net.on_grid(start.net.node("Reshape", {start.out, target}), true);
  const ValueId w = start.net.weights("w2", {64, 3}, random_steps(192, rng, 3.0), true);
  const Graph after = eliminated(start.finish(start.net.node("Gemm", {flat, w})));
  EXPECT_EQ(weight_dims(after, 1), (Dims{48, 3}));
}

TEST(EliminateConstantChannels, RandomGraphsKeepTheirBits) {
  int64_t removed = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Rng rng(seed);
    Network net;
    int64_t channels = 3;
    ValueId x = net.on_grid(net.input("x", {1, channels, 7, 7}), false);
    for (int layer = 0; layer < 5; ++layer) {
      const std::string tag = std::to_string(layer);
      const bool depthwise = layer > 0 && rng.uniform(0.0, 1.0) < 0.4;
      const int64_t kernel = rng.uniform(0.0, 1.0) < 0.5 ? 1 : 3, pad = kernel == 3 ? 1 : 0;
      const int64_t outputs = depthwise ? channels : 4 + static_cast<int64_t>(rng.uniform(0.0, 5.0));
      const int64_t inputs = depthwise ? 1 : channels, each = inputs * kernel * kernel;
      std::vector<float> w = random_steps(outputs * each, rng, 12.0), bias = random_steps(outputs, rng, 900.0);
      for (int64_t o = 0; o < outputs; ++o) {
        if (rng.uniform(0.0, 1.0) < 0.35) std::fill_n(w.begin() + o * each, each, 0.0F);
      }
      x = net.conv(x, net.weights("w" + tag, {outputs, inputs, kernel, kernel}, w), net.bias("b" + tag, bias), pad,
                   depthwise ? channels : 1);
      x = layer < 4 ? net.relu(x) : net.on_grid(x, false);
      channels = outputs;
    }
    int64_t here = 0;
    eliminated(net.graph({x}), &here);
    removed += here;
  }
  EXPECT_GT(removed, 40);
}

}  // namespace
}  // namespace tinyc::testing
