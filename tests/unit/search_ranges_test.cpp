#include <gtest/gtest.h>

#include <algorithm>

#include "tinyc/eval/program.h"
#include "tinyc/eval/remainder.h"
#include "tinyc/quant/bias.h"
#include "tinyc/quant/error_sums.h"
#include "tinyc/quant/judges.h"
#include "tinyc/quant/params.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

Graph perceptron() {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 8});
  const ValueId hidden = b.node("Relu", {b.node("Gemm", {x, b.random("w1", {8, 16}, 0.5F), b.random("b1", {16})})});
  return b.finish({b.node("Gemm", {hidden, b.random("w2", {16, 4}, 0.5F), b.random("b2", {4})})});
}

ValueRange range_of(const Graph& graph, ValueId id) {
  const auto& params = std::get<QParams>(*graph[id].quant);
  return {static_cast<float>(params.q_min - params.zero_points[0]) * params.scales[0],
          static_cast<float>(params.q_max - params.zero_points[0]) * params.scales[0]};
}

// Annotated, but the input's range is three times too wide.
class SearchRangesTest : public ::testing::Test {
 protected:
  SearchRangesTest() : float_(perceptron()), calibrated_(float_), graph_(float_) {
    run_pass(graph_, "annotate", calibrated_.context);
    calibrated_.context.samples.clear();
    for (uint64_t seed = 0; seed < 32; ++seed)
      calibrated_.context.samples.push_back(random_sample(graph_, 1000 * seed));
    set_range(input(), {-3.0F, 3.0F});
    set_range(graph_.nodes[1].outputs[0], {0.0F, 3.5F});
    set_range(graph_.outputs[0], {-5.0F, 5.0F});
  }

  void set_range(ValueId id, const ValueRange& range) {
    graph_[id].quant = activation_params(range, calibrated_.context.settings);
    static_cast<void>(derive_bias_params_of_readers(graph_, std::vector{id}));
  }

  ValueId input() const { return graph_.inputs[0]; }

  void search(Graph& graph, const std::map<std::string, OptionValue>& options = {}) {
    const PassDef* pass = find_pass("search-ranges");
    calibrated_.context.pass = pass->name;
    pass->run(graph, pass->parse(options), calibrated_.context);
  }

  // Of samples that the search has not seen.
  double sqnr(const Graph& graph) const {
    Program::Options options;
    options.engine = Engine::kSimulated;
    const Program exact(float_), rounded(graph, options);
    Workspace workspace;
    ErrorSums sums;
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const Sample sample = random_sample(graph, 77 + 1000 * seed);
      sums.add(exact.run(sample, workspace)[0].data<float>(), rounded.run(sample, workspace)[0].data<float>());
    }
    return sums.sqnr_db();
  }

  Graph float_;
  CalibratedContext calibrated_;
  Graph graph_;
};

TEST_F(SearchRangesTest, NarrowsARangeThatIsTooWide) {
  const double before = sqnr(graph_);
  search(graph_, {{"rounds", int64_t{4}}});
  EXPECT_LT(range_of(graph_, input()).high - range_of(graph_, input()).low, 4.0F);
  EXPECT_GT(sqnr(graph_), before + 0.2);
  EXPECT_GE(calibrated_.context.counters.at("search-ranges.ranges"), 1);
}

TEST_F(SearchRangesTest, BiasesFollowTheirInput) {
  search(graph_);
  const Node& layer = graph_.nodes[0];
  const auto& weight = std::get<QParams>(*graph_[layer.inputs[1]].quant);
  const auto& bias = std::get<QParams>(*graph_[layer.inputs[2]].quant);
  const float scale = std::get<QParams>(*graph_[input()].quant).scales[0];
  for (size_t i = 0; i < bias.scales.size(); ++i) EXPECT_EQ(bias.scales[i], scale * weight.scales[i]);
}

TEST_F(SearchRangesTest, LeavesRangesThatHaveLittleToWin) {
  const ValueRange before = range_of(graph_, input());
  search(graph_, {{"gain", 100.0}});
  EXPECT_EQ(range_of(graph_, input()), before);
}

TEST_F(SearchRangesTest, JudgesByTheNextValuesWhereTheBudgetIsSmall) {
  const double before = sqnr(graph_);
  search(graph_, {{"budget", 1e-4}});
  EXPECT_GT(sqnr(graph_), before);
  search(graph_, {{"budget", 1e-9}});
  EXPECT_EQ(calibrated_.context.notes.back().text, "skipped: the model is too large for the budget");
}

TEST_F(SearchRangesTest, IsTheSameForAnyNumberOfThreads) {
  Graph other = graph_;
  search(graph_);
  calibrated_.context.threads = 3;
  search(other);
  for (size_t i = 0; i < graph_.values.size(); ++i) EXPECT_EQ(graph_.values[i].quant, other.values[i].quant);
}

TEST(Remainder, ComputesWhatTheWholeGraphDoes) {
  const Graph graph = branches();
  const Sample sample = random_sample(graph, 3);
  Program::Options options;
  for (size_t i = 0; i < graph.values.size(); ++i) {
    if (!graph.values[i].constant) options.observed.push_back(ValueId(i));
  }
  Workspace workspace;
  std::vector<Tensor> values(graph.values.size());
  const std::vector<Tensor> expected =
      Program(graph, options).run(sample, workspace, [&](ValueId id, const Tensor& tensor) {
        values[index_of(id)] = Tensor::zeros(tensor.dtype(), tensor.dims());
        std::copy_n(tensor.bytes(), tensor.byte_size(), values[index_of(id)].mutable_bytes());
      });
  for (size_t first = 0; first < graph.nodes.size(); ++first) {
    SCOPED_TRACE(first);
    const Remainder rest = remainder_of(graph, NodeId(first), graph.outputs);
    std::vector<Tensor> inputs;
    for (ValueId id : rest.inputs) inputs.push_back(values[index_of(id)]);
    const std::vector<Tensor> actual = Program(rest.graph).run(inputs, workspace);
    for (size_t k = 0; k < expected.size(); ++k) EXPECT_TRUE(actual[k].same_bytes(expected[k]));
    EXPECT_LE(rest.work, remainder_of(graph, NodeId(0), graph.outputs).work);
  }
}

TEST(Judges, AreTheOutputsAndTheGroupsBeforeThem) {
  const Graph graph = classifier();
  const StoragePlan plan = plan_storage(graph, {});
  const std::vector<ValueId> last = last_values(graph, plan, -1, NodeId(0), 3);
  ASSERT_EQ(last.size(), 3U);
  EXPECT_EQ(last[0], graph.outputs[0]);
  const int input_group = plan.group_of[index_of(graph.inputs[0])];
  ASSERT_GE(input_group, 0);
  const std::vector<ValueId> next = next_values(graph, plan, input_group, NodeId(0));
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(graph[next[0]].name.substr(0, 4), "Relu");
}

}  // namespace
}  // namespace tinyc::testing
