// prune: as many zeros as asked for, where they were asked for, at a small error; they stay through all that follows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tinyc/base/error.h"
#include "unit/compare_graphs.h"
#include "unit/pruned.h"

namespace tinyc::testing {
namespace {

// Convolutions and a Gemm; the second convolution is depthwise.
Graph small_model() {
  GraphBuilder b;
  const AttributeList pads{{"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  AttributeList depthwise = pads;
  depthwise["group"] = int64_t{8};
  const ValueId x = b.input("x", {1, 4, 8, 8});
  const ValueId first =
      b.node("Relu", {b.node("Conv", {x, b.random("w1", {8, 4, 3, 3}, 0.3F), b.random("b1", {8})}, pads)});
  const ValueId second = b.node("Conv", {first, b.random("w2", {8, 1, 3, 3}, 0.3F), b.random("b2", {8})}, depthwise);
  const ValueId third = b.node("Relu", {b.node("Conv", {second, b.random("w3", {16, 8, 1, 1}, 0.3F)})});
  const ValueId flat = b.node(
      "Flatten", {b.node("MaxPool", {third},
                         {{"kernel_shape", std::vector<int64_t>{4, 4}}, {"strides", std::vector<int64_t>{4, 4}}})});
  return b.finish(
      {b.node("Gemm", {flat, b.random("w4", {10, 64}, 0.3F), b.random("b4", {10})}, {{"transB", int64_t{1}}})});
}

Pruned prune(const Graph& model, const PassOptions& options, int threads = 2) {
  return prune_with(folded(model), "prune", options, threads);
}

Pruned prune(const std::string& amount) {
  return prune(small_model(), {{"amount", amount}});
}

int64_t zeros_of(const Graph& graph, const std::string& name) {
  const std::vector<float> values = constant_named(graph, name).to_float();
  return std::count(values.begin(), values.end(), 0.0F);
}

TEST(Prune, KernelsKeepSoManyTaps) {
  const Pruned pruned = prune("patterns:4");
  const auto weights = constant_named(pruned.graph, "w1").data<float>();
  for (size_t first = 0; first < weights.size(); first += 9) {
    EXPECT_EQ(std::count(weights.begin() + first, weights.begin() + first + 9, 0.0F), 5);
  }
  for (const char* dense : {"w2", "w3", "w4"}) {
    const auto other = constant_named(pruned.graph, dense).data<float>();
    EXPECT_EQ(std::count(other.begin(), other.end(), 0.0F), 0) << dense;
  }
}

TEST(Prune, TheShareIsThatOfAllPrunedLayersTogether) {
  const Pruned half = prune("0.5");
  const int64_t zeros = zeros_of(half.graph, "w1") + zeros_of(half.graph, "w3") + zeros_of(half.graph, "w4");
  EXPECT_NEAR(static_cast<double>(zeros), 0.5 * (288 + 128 + 640), 2);
  EXPECT_EQ(zeros_of(half.graph, "w2"), 0) << "depthwise layers stay dense";
  EXPECT_EQ(half.context().counters.at("prune.zeros"), zeros);
}

TEST(Prune, SayingSoPrunesEachLayerAlike) {
  const Pruned half = prune(small_model(), {{"amount", std::string("0.5")}, {"layers", std::string("uniform")}});
  EXPECT_EQ(zeros_of(half.graph, "w1"), 144);
  EXPECT_EQ(zeros_of(half.graph, "w3"), 64);
  EXPECT_EQ(zeros_of(half.graph, "w4"), 320);
}

TEST(Prune, TheErrorIsSmallerThanThatOfMagnitudes) {
  const Pruned obs = prune("0.5");
  const Pruned magnitude = prune(small_model(), {{"amount", std::string("0.5")}, {"criterion", std::string("l1")}});
  EXPECT_GT(sqnr(obs.reference, obs.graph), sqnr(magnitude.reference, magnitude.graph) + 1.0);
  Graph cut = obs.reference;  // the smallest half of each layer, with nothing to make up for it
  for (const char* name : {"w1", "w3", "w4"}) {
    for (Value& value : cut.values) {
      if (value.name != name) continue;
      std::vector<float> values = value.constant->to_float(), sorted = values;
      std::sort(sorted.begin(), sorted.end(), [](float a, float b) { return std::abs(a) < std::abs(b); });
      for (float& w : values) w = std::abs(w) <= std::abs(sorted[sorted.size() / 2 - 1]) ? 0.0F : w;
      value.constant = Tensor::of<float>(value.constant->dims(), values);
    }
  }
  EXPECT_GT(sqnr(magnitude.reference, magnitude.graph), sqnr(magnitude.reference, cut) + 1.0);
}

TEST(Prune, OfFourInputsOfATapTwoStay) {
  const Pruned pruned = prune("2:4");
  const std::vector<float> w1 = constant_named(pruned.graph, "w1").to_float();
  for (size_t row = 0; row < 8; ++row) {
    for (size_t tap = 0; tap < 9; ++tap) {
      int kept = 0;
      for (size_t input = 0; input < 4; ++input) kept += w1[row * 36 + input * 9 + tap] != 0.0F ? 1 : 0;
      EXPECT_EQ(kept, 2);
    }
  }
  EXPECT_EQ(zeros_of(pruned.graph, "w4"), 320);
}

TEST(Prune, KernelsGoWhole) {
  const Pruned pruned =
      prune(small_model(), {{"amount", std::string("kernels:0.5")}, {"layers", std::string("uniform")}});
  const std::vector<float> w1 = constant_named(pruned.graph, "w1").to_float();
  int gone = 0;
  for (size_t kernel = 0; kernel < 32; ++kernel) {
    const auto first = w1.begin() + static_cast<std::ptrdiff_t>(kernel * 9);
    const auto zeros = std::count(first, first + 9, 0.0F);
    EXPECT_TRUE(zeros == 0 || zeros == 9);
    gone += zeros == 9 ? 1 : 0;
  }
  EXPECT_EQ(gone, 16);
}

TEST(Prune, ZerosStayThroughRoundingAndPacking) {
  Pruned pruned = prune("0.6");
  PassContext& context = pruned.calibrated->context;
  const Graph before = pruned.graph;
  for (const char* pass : {"annotate", "optimize-rounding", "search-ranges", "correct-bias", "pack-constants"}) {
    run_pass(pruned.graph, pass, context);
  }
  for (const char* name : {"w1", "w3", "w4"}) {
    const std::vector<float> was = constant_named(before, name).to_float(),
                             is = constant_named(pruned.graph, name).to_float();
    int64_t held = 0;
    for (size_t i = 0; i < was.size(); ++i) {
      if (context.masks.at(name)[i] == 0) continue;
      EXPECT_EQ(is[i], 0.0F);
      ++held;
    }
    EXPECT_GT(held, 0);
  }
  EXPECT_GT(sqnr(pruned.reference, pruned.graph), sqnr(pruned.reference, before) - 1.0);
}

TEST(Prune, LayersSayHowMuchOfThemWent) {
  const Pruned pruned = prune("0.5");
  int dense = 0, counted = 0;
  for (const PassNote& note : pruned.context().notes) {
    dense += note.text == "stays dense: it is depthwise" ? 1 : 0;
    counted += note.text.find("weights are 0") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(dense, 1);
  EXPECT_EQ(counted, 3);
}

TEST(Prune, IsTheSameForAnyNumberOfThreads) {
  const PassOptions options{{"amount", std::string("0.5")}};
  expect_same_constants(prune(small_model(), options, 1).graph, prune(small_model(), options, 3).graph);
}

TEST(Prune, WithoutSamplesItComplains) {
  Graph graph = folded(small_model());
  CalibratedContext calibrated(graph);
  calibrated.context.samples.clear();
  EXPECT_THROW(run_pass(graph, "prune", calibrated.context), Error);
}

}  // namespace
}  // namespace tinyc::testing
