#include "tinyc/driver/fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tinyc/base/error.h"
#include "unit/graph_builder.h"

namespace tinyc {
namespace {

using testing::GraphBuilder;

constexpr int64_t kWidth = 16;
constexpr int64_t kWeights = kWidth * kWidth;
constexpr int64_t kRest = 100;  // bytes beside weights

// Two products; the output of the second is a hundred times that of a third, which is added to it.
Graph uneven_layers() {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, kWidth});
  Tensor quiet = GraphBuilder::random_tensor({kWidth, kWidth}, 0.01F, 1);
  const ValueId loud =
      b.node("MatMul", {x, b.constant("loud", GraphBuilder::random_tensor({kWidth, kWidth}, 1.0F, 2))});
  const ValueId soft = b.node("MatMul", {x, b.constant("quiet", quiet)});
  return b.finish({b.node("Add", {loud, soft})});
}

std::vector<Sample> samples(int count) {
  std::vector<Sample> result;
  for (int i = 0; i < count; ++i) result.push_back({GraphBuilder::random_tensor({1, kWidth}, 1.0F, 100 + i)});
  return result;
}

int bits_of_layer(const QuantizationSettings& settings, const std::string& node) {
  return settings_of_layer(settings, node).weight_bits;
}

// Weights on grids of the bits asked for; everything else stays.
FitSteps steps(const Graph& reference, const std::function<double(int64_t)>& drop_at = {}) {
  FitSteps made;
  made.quantize = [&reference](const QuantizationSettings& settings) {
    Graph graph = reference;
    for (const Node& node : graph.nodes) {
      for (const ValueId id : node.inputs) {
        if (!graph[id].constant) continue;
        float largest = 0;
        for (const float w : graph[id].constant->data<float>()) largest = std::max(largest, std::abs(w));
        QParams params;
        params.q_max = (1 << (bits_of_layer(settings, node.name) - 1)) - 1;
        params.q_min = -params.q_max;
        params.scales = {largest / static_cast<float>(params.q_max)};
        params.zero_points = {0};
        graph[id].quant = params;
      }
    }
    return graph;
  };
  made.pack = [](const Graph& graph) {
    Graph packed = graph;
    for (Value& value : packed.values) {
      if (!value.constant || !value.quant) continue;
      auto& params = std::get<QParams>(*value.quant);
      params.storage = params.q_max > 7 ? DataType::kInt8 : DataType::kInt4;
      value.constant = Tensor::zeros(params.storage, {kWidth, kWidth});
    }
    return packed;
  };
  made.layer_bytes = [](const Graph& packed) {
    std::map<std::string, int64_t> bytes;
    for (const Node& node : packed.nodes) {
      for (const ValueId id : node.inputs) {
        if (packed[id].constant) bytes[node.name] += static_cast<int64_t>(packed[id].constant->byte_size());
      }
    }
    return bytes;
  };
  made.size = [](const Graph& packed) {
    Size size{kRest, 50};
    for (const Value& value : packed.values)
      size.bytes += value.constant ? static_cast<int64_t>(value.constant->byte_size()) : 0;
    return size;
  };
  made.drop = [size = made.size, drop_at](const Graph& packed) { return drop_at(size(packed).bytes); };
  return made;
}

FitResult fit(const Graph& graph, const FitGoal& goal, const std::function<double(int64_t)>& drop_at = {}) {
  return fit_bits(graph, {}, goal, samples(8), 1, steps(graph, drop_at));
}

TEST(Fit, SpendsBitsWhereTheyCount) {
  const Graph graph = uneven_layers();
  // Room for one layer of 8 bits and one of 4.
  const FitResult result = fit(graph, {.bytes = kRest + kWeights + kWeights / 2});
  ASSERT_EQ(result.settings.layer_bits.size(), 2U);
  EXPECT_EQ(result.settings.layer_bits.at(graph.nodes[0].name), 8);
  EXPECT_EQ(result.settings.layer_bits.at(graph.nodes[1].name), 4);
  ASSERT_TRUE(result.predicted);
  EXPECT_EQ(result.predicted->bytes, kRest + kWeights + kWeights / 2);
  EXPECT_GT(result.predicted->sqnr_db, 30);
}

TEST(Fit, TakesAllBitsThereAreRoomFor) {
  const Graph graph = uneven_layers();
  for (const auto& [layer, bits] : fit(graph, {.bytes = kRest + 2 * kWeights}).settings.layer_bits)
    EXPECT_EQ(bits, 8) << layer;
}

TEST(Fit, FindsTheSmallestThatLosesNoMoreThanTheGoal) {
  const Graph graph = uneven_layers();
  constexpr int64_t kEnough = kRest + kWeights;
  const FitResult result = fit(graph, {.drop = 0.5}, [](int64_t bytes) { return bytes >= kEnough ? 0.4 : 3.0; });
  EXPECT_GE(result.predicted->bytes, kEnough);
  EXPECT_LT(result.predicted->bytes, kRest + 2 * kWeights);
}

TEST(Fit, SaysWhatIsOutOfReach) {
  const Graph graph = uneven_layers();
  const auto kind_of = [&](const FitGoal& goal, const QuantizationSettings& settings) {
    try {
      fit_bits(graph, settings, goal, samples(4), 1, steps(graph, [](int64_t) { return 9.0; }));
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  EXPECT_EQ(kind_of({.bytes = kRest}, {}), ErrorKind::kGate);
  EXPECT_EQ(kind_of({.ram = 49}, {}), ErrorKind::kGate);
  EXPECT_EQ(kind_of({.drop = 1.0}, {}), ErrorKind::kGate);
  QuantizationSettings narrow;
  narrow.weight_bits = 2;
  EXPECT_EQ(kind_of({.bytes = 10000}, narrow), ErrorKind::kUsage);
}

// A model whose bytes fall by 100 and whose drop doubles with each doubling of the noise.
struct NoisyModel {
  FitSteps steps() {
    FitSteps made;
    made.quantize = [this](const QuantizationSettings& settings) {
      noise = settings.weight_noise;
      return Graph();
    };
    made.pack = [](const Graph& graph) { return graph; };
    made.size = [this](const Graph&) { return Size{static_cast<int64_t>(1000 - 100 * std::log2(noise)), 50}; };
    made.drop = [this](const Graph&) { return 100 * noise; };
    return made;
  }
  double noise = 0;
};

TEST(FitNoise, TakesTheLeastNoiseThatThereIsRoomFor) {
  NoisyModel model;
  const FitResult result = fit_noise({}, {.bytes = 1500}, model.steps());
  EXPECT_LE(result.bytes, 1500);
  EXPECT_GT(result.bytes, 1480);
  EXPECT_NEAR(std::log2(result.settings.weight_noise), -5.0, 0.2);
  EXPECT_LT(result.trials, 8);
}

TEST(FitNoise, TakesTheMostNoiseThatLosesNoMoreThanTheGoal) {
  NoisyModel model;
  const FitResult result = fit_noise({}, {.drop = 1.0}, model.steps());
  EXPECT_LE(result.settings.weight_noise, 0.01);
  EXPECT_GT(result.settings.weight_noise, 0.0095);
}

TEST(FitNoise, SaysWhatIsOutOfReach) {
  NoisyModel model;
  EXPECT_THROW(fit_noise({}, {.bytes = 900}, model.steps()), Error);
  EXPECT_THROW(fit_noise({}, {.drop = 0.01}, model.steps()), Error);
  EXPECT_THROW(fit_noise({}, {.bytes = 2000, .ram = 49}, model.steps()), Error);
  EXPECT_THROW(fit_noise({}, {.bytes = 1500, .drop = 1.0}, model.steps()), Error);
}

TEST(FitKnob, FindsASettingOnALinearScaleToo) {
  double setting = 0;
  FitSteps steps;
  steps.size = [&](const Graph&) { return Size{static_cast<int64_t>(1000 * (1 - setting)), 0}; };
  steps.drop = [&](const Graph&) { return 10 * setting; };
  const Knob knob{0.1, 0.9, false, [&](double share) {
                    setting = share;
                    return Graph();
                  }};
  const KnobSetting small = fit_knob(knob, {.bytes = 300}, steps);
  EXPECT_LE(small.bytes, 300);
  EXPECT_NEAR(small.value, 0.7, 0.01);
  EXPECT_NEAR(fit_knob(knob, {.drop = 4.0}, steps).value, 0.4, 0.01);
}

}  // namespace
}  // namespace tinyc
