// optimize-rounding: the error of layers and models falls, on samples that it has not seen; what it leaves lies on its
// grids and does not depend on the number of threads.
#include <gtest/gtest.h>

#include <cmath>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/quant/end_sqnr.h"
#include "unit/compare_graphs.h"
#include "unit/pruned.h"

namespace tinyc::testing {
namespace {

constexpr uint64_t kSamples = 24;

struct Fitted {
  Graph reference, before, after;
  std::vector<PassNote> notes;
  std::map<std::string, int64_t> counters;
};

Fitted fit(const Graph& graph, QuantizationSettings settings, int threads = 2, const PassOptions& options = {}) {
  Fitted result{.reference = folded(graph), .before = {}, .after = {}, .notes = {}, .counters = {}};
  CalibratedContext calibrated(result.reference, settings);
  calibrated.context.samples.clear();
  for (uint64_t seed = 0; seed < kSamples; ++seed) {
    calibrated.context.samples.push_back(random_sample(result.reference, 1000 + 17 * seed));
  }
  calibrated.context.threads = threads;
  result.before = result.reference;
  run_pass(result.before, "annotate", calibrated.context);
  result.after = result.before;
  run_pass(result.after, "optimize-rounding", calibrated.context, options);
  result.notes = calibrated.context.notes;
  result.counters = calibrated.context.counters;
  return result;
}

// Signal to noise of the first output on samples that no pass has seen.
QuantizationSettings bits(int count) {
  QuantizationSettings settings;
  settings.weight_bits = count;
  return settings;
}

Graph lstm() {
  GraphBuilder b;
  const ValueId x = b.input("x", {12, 1, 6});
  const ValueId y = b.node(
      "LSTM", {x, b.random("w", {1, 32, 6}, 0.6F), b.random("r", {1, 32, 8}, 0.4F), b.random("b", {1, 64}, 0.2F)},
      {{"hidden_size", int64_t{8}}});
  return b.finish({y});
}

const Tensor& constant_of(const Graph& graph, const std::string& op, size_t operand) {
  for (const Node& node : graph.nodes) {
    if (op_name(node) == op) return *graph[node.inputs[operand]].constant;
  }
  throw std::runtime_error("no " + op);
}

TEST(OptimizeRounding, ModelsGainAtFourBits) {
  for (const Graph& graph : {separable_convolutions(), classifier(), lstm()}) {
    const Fitted fitted = fit(graph, bits(4));
    EXPECT_GT(sqnr(fitted.reference, fitted.after), sqnr(fitted.reference, fitted.before) + 1.0);
  }
}

TEST(OptimizeRounding, OneScaleForAllRowsGainsToo) {
  QuantizationSettings settings = bits(4);
  settings.per_channel = false;
  const Fitted fitted = fit(separable_convolutions(), settings);
  EXPECT_GT(sqnr(fitted.reference, fitted.after), sqnr(fitted.reference, fitted.before));
}

// Weights that changed lie on their grids.
void expect_on_grids(const Fitted& fitted) {
  int changed = 0;
  for (size_t i = 0; i < fitted.after.values.size(); ++i) {
    const Value& value = fitted.after.values[i];
    if (!value.constant || value.constant->rank() < 2) continue;
    if (value.constant->same_bytes(*fitted.before.values[i].constant)) continue;
    ++changed;
    const auto& params = std::get<QParams>(*value.quant);
    EXPECT_TRUE(dequantize(quantize(*value.constant, params), params).same_bytes(*value.constant)) << value.name;
  }
  EXPECT_GT(changed, 0);
}

TEST(OptimizeRounding, WhatItLeavesLiesOnItsGrids) {
  expect_on_grids(fit(separable_convolutions(), bits(3)));
}

TEST(OptimizeRounding, BinaryWeightsStayBinary) {
  const Fitted fitted = fit(separable_convolutions(), bits(1));
  expect_on_grids(fitted);
  EXPECT_GT(sqnr(fitted.reference, fitted.after), sqnr(fitted.reference, fitted.before));
}

TEST(OptimizeRounding, BlocksKeepTheirFactorsAndGain) {
  QuantizationSettings settings = bits(3);
  settings.weight_block = 4;
  const Fitted fitted = fit(classifier(), settings);
  expect_on_grids(fitted);
  for (size_t i = 0; i < fitted.after.values.size(); ++i) {
    const Value& value = fitted.after.values[i];
    if (!value.constant || !value.quant || std::get<QParams>(*value.quant).block == 0) continue;
    const auto &before = std::get<QParams>(*fitted.before.values[i].quant), &after = std::get<QParams>(*value.quant);
    ASSERT_EQ(before.block, after.block);
    const size_t other = before.axis == 1 ? 1 : static_cast<size_t>(value.constant->dims()[1]);  // of the same channel
    EXPECT_NEAR(before.scales[other] / before.scales[0], after.scales[other] / after.scales[0], 1e-3F);
  }
  EXPECT_GT(sqnr(fitted.reference, fitted.after), sqnr(fitted.reference, fitted.before) + 1.0);
}

TEST(OptimizeRounding, ScalesThatArePowersOfTwoStaySo) {
  QuantizationSettings settings = bits(4);
  settings.power_of_two_scales = true;
  const Fitted fitted = fit(separable_convolutions(), settings);
  expect_on_grids(fitted);
  for (const Node& node : fitted.after.nodes) {
    if (op_name(node) != "Conv") continue;
    for (const float scale : std::get<QParams>(*fitted.after[node.inputs[1]].quant).scales) {
      int exponent = 0;
      EXPECT_EQ(std::frexp(scale, &exponent), 0.5F);
    }
  }
}

TEST(OptimizeRounding, BothWeightsOfRecurrentLayersChange) {
  const Fitted fitted = fit(lstm(), bits(4));
  for (const size_t operand : {size_t{1}, size_t{2}}) {
    EXPECT_FALSE(constant_of(fitted.after, "LSTM", operand).same_bytes(constant_of(fitted.before, "LSTM", operand)));
  }
}

TEST(OptimizeRounding, LayersAreNoted) {
  const Fitted fitted = fit(classifier(), bits(4));
  int noted = 0;
  for (const PassNote& note : fitted.notes) noted += note.pass == "optimize-rounding" ? 1 : 0;
  EXPECT_EQ(noted, 2) << "a Gemm and a MatMul";
}

TEST(OptimizeRounding, IsTheSameForAnyNumberOfThreads) {
  expect_same_constants(fit(separable_convolutions(), bits(4), 1).after,
                        fit(separable_convolutions(), bits(4), 3).after);
}

TEST(OptimizeRounding, LearnedRoundingStaysWhereItIsBetter) {
  const PassOptions learned{{"iterations", int64_t{300}}};
  const Graph graph = separable_convolutions();
  const Fitted plain = fit(graph, bits(2)), refined = fit(graph, bits(2), 1, learned);
  expect_on_grids(refined);
  EXPECT_GT(refined.counters.at("optimize-rounding.refined"), 0);
  EXPECT_EQ(plain.counters.count("optimize-rounding.refined"), 0U);
  EXPECT_GT(sqnr(refined.reference, refined.after), sqnr(refined.reference, refined.before));
  expect_same_constants(refined.after, fit(graph, bits(2), 3, learned).after);
}

TEST(OptimizeRounding, TheTrialThatIsBestAtTheEndStays) {
  const PassOptions trials{{"iterations", int64_t{50}}, {"restarts", int64_t{3}}, {"trials", int64_t{2}}};
  const Graph graph = separable_convolutions();
  const Fitted plain = fit(graph, bits(2)), tried = fit(graph, bits(2), 1, trials);
  std::vector<Sample> samples;
  for (uint64_t seed = 0; seed < kSamples; ++seed) samples.push_back(random_sample(plain.reference, 1000 + 17 * seed));
  const EndSqnr end(plain.reference, plan_storage(plain.after, bits(2)), samples, 1);
  EXPECT_GE(end.of(tried.after), end.of(plain.after));
  EXPECT_NE(tried.notes.back().text.find("(kept)"), std::string::npos);
  expect_same_constants(tried.after, fit(graph, bits(2), 3, trials).after);
}

TEST(OptimizeRounding, WithoutSamplesNothingChanges) {
  Graph graph = folded(classifier());
  CalibratedContext calibrated(graph);
  calibrated.context.samples.clear();
  run_pass(graph, "annotate", calibrated.context);
  EXPECT_FALSE(run_pass(graph, "optimize-rounding", calibrated.context));
}

}  // namespace
}  // namespace tinyc::testing
