#include <gtest/gtest.h>

#include <algorithm>

#include "tinyc/eval/program.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

constexpr int kSamples = 16;

struct Absorbed {
  Graph before, after;
  PassContext context;

  explicit Absorbed(Graph graph) : before(std::move(graph)), after(before) {
    for (uint64_t seed = 0; seed < kSamples; ++seed) context.samples.push_back(random_sample(before, 100 * seed));
    run_pass(after, "absorb-bias", context);
  }

  std::vector<float> bias_of(const Graph& graph, size_t node) const {
    return graph[graph.nodes[node].inputs[2]].constant->to_float();
  }
};

// Two layers with a Relu between them; channel 0 lies in [4, 6].
Graph raised_pair(const std::string& reader, const Dims& weight, const AttributeList& attributes) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2, 6, 6});
  const ValueId first = b.node(
      "Relu",
      {b.node("Conv", {x, b.random("w1", {4, 2, 1, 1}, 0.5F), b.constant("b1", {4}, {5.0F, 0.0F, 0.1F, 0.0F})})});
  return b.finish({b.node(reader, {first, b.random("w2", weight, 0.5F)}, attributes)});
}

TEST(AbsorbBias, MovesWhatNeverFallsBelowIntoTheNextLayer) {
  const Absorbed run(raised_pair("Conv", {3, 4, 3, 3}, {}));
  EXPECT_LT(run.bias_of(run.after, 0)[0], 1.5F);
  EXPECT_EQ(run.bias_of(run.after, 0)[1], 0.0F);
  // For the samples that were seen the model computes the same, at the borders too.
  Workspace workspace;
  for (const Sample& sample : run.context.samples) {
    const Tensor expected = Program(run.before).run(sample, workspace)[0];
    const Tensor actual = Program(run.after).run(sample, workspace)[0];
    for (size_t i = 0; i < static_cast<size_t>(expected.size()); ++i) {
      ASSERT_NEAR(actual.data<float>()[i], expected.data<float>()[i], 1e-4F);
    }
  }
}

TEST(AbsorbBias, WithoutDataTakesTheMomentsOfBatchNormalization) {
  const Graph before = raised_pair("Conv", {3, 4, 3, 3}, {});
  Graph after = before;
  const std::string result = before[before.nodes[0].outputs[0]].name;
  PassContext context;
  context.moments[result] = {{5.0, 0.0, 0.1, 0.0}, {1.0, 1.0, 0.01, 0.0}};
  ASSERT_TRUE(run_pass(after, "absorb-bias", context));
  const auto bias = after[after.nodes[0].inputs[2]].constant->data<float>();
  EXPECT_NEAR(bias[0], 3.0F, 1e-6F);  // 5 less what is three deviations below 5
  EXPECT_EQ(bias[1], 0.0F);
  EXPECT_NEAR(bias[2], 0.03F, 1e-6F);
  EXPECT_NEAR(context.moments[result].mean[0], 3.0, 1e-9);
  // What lies above the floors goes through as before.
  const Sample high = {Tensor::of<float>({1, 2, 6, 6}, std::vector<float>(72, 0.01F))};
  Workspace workspace;
  const Tensor expected = Program(before).run(high, workspace)[0], actual = Program(after).run(high, workspace)[0];
  for (size_t i = 0; i < static_cast<size_t>(expected.size()); ++i) {
    ASSERT_NEAR(actual.data<float>()[i], expected.data<float>()[i], 1e-4F);
  }
}

void expect_refused(const Absorbed& run, const std::string& reason) {
  EXPECT_EQ(run.bias_of(run.after, 0), run.bias_of(run.before, 0));
  ASSERT_EQ(run.context.notes.size(), 1U);
  EXPECT_NE(run.context.notes[0].text.find(reason), std::string::npos) << run.context.notes[0].text;
}

TEST(AbsorbBias, ReadersThatPadAreRefused) {
  expect_refused(Absorbed(raised_pair("Conv", {3, 4, 3, 3}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}})),
                 "pads with zeros");
  expect_refused(Absorbed(raised_pair("Conv", {3, 4, 3, 3}, {{"auto_pad", std::string("SAME_UPPER")}})),
                 "pads with zeros");
}

TEST(AbsorbBias, TransposedConvolutionsAreRefused) {
  expect_refused(Absorbed(raised_pair("ConvTranspose", {4, 3, 3, 3}, {})), "transposed");
}

TEST(AbsorbBias, ReadersWithoutWeightsAreRefused) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2, 6, 6});
  const ValueId first = b.node(
      "Relu",
      {b.node("Conv", {x, b.random("w1", {4, 2, 1, 1}, 0.5F), b.constant("b1", {4}, {5.0F, 0.0F, 0.1F, 0.0F})})});
  const ValueId second = b.node("Conv", {first, b.random("w2", {2, 4, 1, 1})});
  expect_refused(Absorbed(b.finish({second, b.node("Sigmoid", {first})})), "no layer");
}

}  // namespace
}  // namespace tinyc::testing
