// prune-channels: channels that nobody misses go first and cost nothing, others cost little, and the model that comes
// out is smaller.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "quant/channel_surgeon.h"
#include "tinyc/base/error.h"
#include "tinyc/base/rng.h"
#include "tinyc/quant/error_sums.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

OutputError random_error(int64_t rows, int64_t columns, uint64_t seed) {
  Rng rng(seed);
  Matrix mix(columns, columns), h(columns, columns), target(rows, columns);
  for (double& x : mix.elements) x = rng.uniform(-0.3, 1.0);
  for (double& x : target.elements) x = rng.uniform(-1.0, 1.0);
  for (int64_t i = 0; i < columns; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      for (int64_t k = 0; k < columns; ++k) h(i, j) += mix(i, k) * mix(j, k);
    }
  }
  return {damped(h, 0.01), target};
}

double least_error(const OutputError& error, const std::vector<int64_t>& without) {
  GroupMask held{error.target.columns, std::vector<uint8_t>(error.target.elements.size(), 0)};
  for (int64_t r = 0; r < error.target.rows; ++r) {
    for (const int64_t c : without) held.held[static_cast<size_t>(r * held.columns + c)] = 1;
  }
  const Matrix best = best_with_zeros(error, held, 1);
  double sum = 0;
  for (int64_t r = 0; r < best.rows; ++r) {
    for (int64_t i = 0; i < best.columns; ++i) {
      for (int64_t j = 0; j < best.columns; ++j) {
        sum += (best(r, i) - error.target(r, i)) * error.h(i, j) * (best(r, j) - error.target(r, j));
      }
    }
  }
  return sum;
}

TEST(ChannelSurgeon, LossesAreThoseOfTheBestWeightsThatAreLeft) {
  const OutputError error = random_error(4, 9, 2);
  ChannelSurgeon surgeon(error);
  const double first = least_error(error, {3, 4}), both = least_error(error, {0, 3, 4});
  EXPECT_NEAR(surgeon.loss({3, 4}), first, 1e-9);
  surgeon.remove({3, 4});
  EXPECT_NEAR(surgeon.loss({0}), both - first, 1e-9);
  for (int64_t r = 0; r < 4; ++r) surgeon.drop_row(r);
  EXPECT_EQ(surgeon.loss({0}), 0.0);
}

// A stem, a depthwise layer and a residual sum; `dead` of the 8 channels of the stem never pass the Relu.
Graph small_model(int64_t dead) {
  GraphBuilder b;
  const AttributeList pads{{"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  AttributeList depthwise = pads;
  depthwise["group"] = int64_t{8};
  Tensor b1 = GraphBuilder::random_tensor({8}, 0.1F, 7);
  for (int64_t i = 0; i < dead; ++i) b1.mutable_data<float>()[i] = -50.0F;
  const ValueId x = b.input("x", {1, 3, 8, 8});
  const ValueId stem =
      b.node("Relu", {b.node("Conv", {x, b.random("w1", {8, 3, 3, 3}, 0.3F), b.constant("b1", b1)}, pads)});
  const ValueId moved =
      b.node("Relu", {b.node("Conv", {stem, b.random("w2", {8, 1, 3, 3}, 0.3F), b.random("b2", {8})}, depthwise)});
  const ValueId mixed =
      b.node("Relu", {b.node("Conv", {moved, b.random("w3", {12, 8, 1, 1}, 0.5F), b.random("b3", {12})})});
  const ValueId again = b.node("Conv", {mixed, b.random("w4", {12, 12, 3, 3}, 0.2F), b.random("b4", {12})}, pads);
  const ValueId sum = b.node("Relu", {b.node("Add", {again, mixed})});
  const ValueId flat = b.node("Flatten", {b.node("GlobalAveragePool", {sum})});
  return b.finish(
      {b.node("Gemm", {flat, b.random("w5", {10, 12}, 0.5F), b.random("b5", {10})}, {{"transB", int64_t{1}}})});
}

struct Pruned {
  Graph reference, graph;
  std::unique_ptr<CalibratedContext> calibrated;
};

Pruned prune(const Graph& model, double share, int threads = 2) {
  Pruned result{folded(model), {}, nullptr};
  result.calibrated = std::make_unique<CalibratedContext>(result.reference);
  PassContext& context = result.calibrated->context;
  context.samples.clear();
  for (uint64_t seed = 0; seed < 24; ++seed)
    context.samples.push_back(random_sample(result.reference, 900 + 31 * seed));
  context.threads = threads;
  context.pass = "prune-channels";
  result.graph = result.reference;
  const PassDef* pass = find_pass("prune-channels");
  pass->run(result.graph, pass->parse({{"share", share}}), context);
  infer_types(result.graph);
  return result;
}

Tensor run_float(const Graph& graph, const Sample& sample) {
  Workspace workspace;
  return Program(graph).run(sample, workspace).front();
}

double sqnr(const Graph& reference, const Graph& graph) {
  ErrorSums sums;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Sample sample = random_sample(reference, 99991 * seed);
    sums.add(run_float(reference, sample).data<float>(), run_float(graph, sample).data<float>());
  }
  return sums.sqnr_db();
}

int64_t elements_of(const Graph& graph, const std::string& name) {
  for (const Value& value : graph.values) {
    if (value.name == name) return value.constant->size();
  }
  return 0;
}

TEST(PruneChannels, DeadChannelsGoAndNothingChanges) {
  const Pruned pruned = prune(small_model(4), 0.05);
  EXPECT_EQ(pruned.calibrated->context.counters.count("prune-channels.layers"), 0U) << "nothing was solved for";
  EXPECT_GT(pruned.calibrated->context.counters.at("prune-channels.channels"), 0);
  const Sample sample = random_sample(pruned.reference, 12345);
  EXPECT_TRUE(run_float(pruned.graph, sample).same_bytes(run_float(pruned.reference, sample)));
}

TEST(PruneChannels, OthersMakeUpForWhatGoes) {
  const Pruned pruned = prune(small_model(0), 0.3);
  const auto& counters = pruned.calibrated->context.counters;
  EXPECT_GE(counters.at("prune-channels.macs"), 3 * counters.at("prune-channels.macs_before") / 10);
  EXPECT_GT(sqnr(pruned.reference, pruned.graph), 5.0);
}

TEST(PruneChannels, ThePackedModelIsSmaller) {
  Pruned pruned = prune(small_model(2), 0.4);
  for (const char* pass : {"annotate", "optimize-rounding", "correct-bias", "pack-constants"}) {
    run_pass(pruned.graph, pass, pruned.calibrated->context);
  }
  const Graph before = pruned.graph;
  run_pass(pruned.graph, "eliminate-constant-channels", pruned.calibrated->context);
  int64_t was = 0, is = 0, held = 0;
  for (const char* name : {"w1", "w2", "w3", "w4", "w5"}) {
    was += elements_of(before, name);
    is += elements_of(pruned.graph, name);
    const WeightMask& mask = pruned.calibrated->context.masks[name];
    held += std::count(mask.begin(), mask.end(), uint8_t{1});
  }
  EXPECT_GT(held, was / 5);
  EXPECT_EQ(is, was - held);
}

TEST(PruneChannels, IsTheSameForAnyNumberOfThreads) {
  const Pruned one = prune(small_model(1), 0.3, 1), three = prune(small_model(1), 0.3, 3);
  for (size_t i = 0; i < one.graph.values.size(); ++i) {
    const Value &a = one.graph.values[i], &b = three.graph.values[i];
    EXPECT_TRUE(!a.constant || a.constant->same_bytes(*b.constant)) << a.name;
  }
}

TEST(PruneChannels, WithoutSamplesItComplains) {
  Graph graph = folded(small_model(4));
  CalibratedContext calibrated(graph);
  calibrated.context.samples.clear();
  EXPECT_THROW(run_pass(graph, "prune-channels", calibrated.context), Error);
}

}  // namespace
}  // namespace tinyc::testing
