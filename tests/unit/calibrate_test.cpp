#include "tinyc/quant/calibrate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tinyc/base/error.h"
#include "tinyc/base/rng.h"
#include "tinyc/ops/infer.h"
#include "tinyc/ops/op.h"
#include "unit/npz_writer.h"
#include "unit/temp_folder.h"

namespace tinyc {
namespace {

ValueId add(Graph& graph, const char* op, std::vector<ValueId> inputs, AttributeList attributes = {}) {
  Value value;
  value.name = graph.unique_name("v");
  const ValueId output = graph.add_value(std::move(value));
  Node node;
  node.op = find_op("", op);
  node.name = graph.unique_name(op);
  node.inputs = std::move(inputs);
  node.outputs = {output};
  node.attributes = std::move(attributes);
  graph.nodes.push_back(std::move(node));
  return output;
}

// x [N,6] -> MatMul -> Relu; with `turn`, a Transpose first moves the batch axis away from the front.
Graph small_model(bool turn) {
  Graph graph;
  Value input;
  input.name = "x";
  input.type = {DataType::kFloat, {Dim(std::string("N")), 6}};
  const ValueId x = graph.add_value(std::move(input));
  graph.inputs = {x};
  Rng rng(4);
  std::vector<float> weights(6 * 5);
  for (float& w : weights) w = static_cast<float>(rng.normal());
  const ValueId w = graph.add_constant("w", Tensor::of<float>({6, 5}, weights));
  ValueId y = add(graph, "Relu", {add(graph, "MatMul", {x, w})});
  if (turn) y = add(graph, "Transpose", {y}, {{"perm", std::vector<int64_t>{1, 0}}});
  graph.outputs = {y};
  infer_types(graph);
  return graph;
}

std::vector<float> draw(size_t count) {
  Rng rng(8);
  std::vector<float> values(count);
  for (float& x : values) x = static_cast<float>(rng.normal() * rng.uniform(0.1, 5.0));
  return values;
}

class Calibrate : public testing::TestWithParam<bool> {
 protected:
  Statistics run(const Graph& graph, const std::vector<float>& values, int threads) {
    const auto samples = static_cast<int64_t>(values.size() / 6);
    write_npz(folder_ / "d.npz", {{"x", npy<float>("<f4", {samples, 6}, values)}});
    Dataset data = Dataset::open(folder_ / "d.npz", model_inputs(graph));
    return calibrate(graph, data, observable_values(graph), {threads, {}});
  }
  TempFolder folder_;
};

TEST_P(Calibrate, ThreadsAndShardsDoNotShow) {
  const Graph graph = small_model(GetParam());
  const std::vector<float> values = draw(6 * 300);
  const std::string one = to_json(run(graph, values, 1));
  EXPECT_EQ(to_json(run(graph, values, 2)), one);
  EXPECT_EQ(to_json(run(graph, values, 7)), one);
  const auto cut = values.begin() + 6 * 130;
  EXPECT_EQ(to_json(merge(run(graph, {values.begin(), cut}, 2), run(graph, {cut, values.end()}, 3))), one);
}

TEST_P(Calibrate, FindsWhatIsThere) {
  const Graph graph = small_model(GetParam());
  const std::vector<float> values = draw(6 * 40);
  const Statistics statistics = run(graph, values, 2);
  EXPECT_EQ(statistics.samples, 40U);
  const ValueStatistics* x = statistics.find("x");
  ASSERT_NE(x, nullptr);
  EXPECT_EQ(x->histogram.total(), 240U);
  EXPECT_EQ(x->histogram.max(), *std::max_element(values.begin(), values.end()));
  ASSERT_EQ(x->recent.size(), 40U);
  EXPECT_EQ(x->recent[39].low, *std::min_element(values.end() - 6, values.end()));
  EXPECT_EQ(statistics.find("w"), nullptr);
  const ValueStatistics* output = statistics.find(graph[graph.outputs[0]].name);
  ASSERT_NE(output, nullptr);
  EXPECT_EQ(output->histogram.min(), 0.0F);
  EXPECT_EQ(output->histogram.total(), 200U);
}

INSTANTIATE_TEST_SUITE_P(BatchAxis, Calibrate, testing::Bool(),
                         [](const auto& given) { return given.param ? "Moved" : "Leading"; });

// x [N,T] through a product that takes T = 64 only.
TEST(FittingOpenDim, IsTheFirstThatRuns) {
  Graph graph;
  Value input;
  input.name = "x";
  input.type = {DataType::kFloat, {Dim(std::string("N")), Dim(std::string("T"))}};
  graph.inputs = {graph.add_value(std::move(input))};
  const ValueId w = graph.add_constant("w", Tensor::zeros(DataType::kFloat, {64, 2}));
  graph.outputs = {add(graph, "MatMul", {graph.inputs[0], w})};
  EXPECT_EQ(fitting_open_dim(graph), 64);
  graph[w].constant = Tensor::zeros(DataType::kFloat, {65, 2});
  graph[w].type = graph[w].constant->type();
  EXPECT_THROW(fitting_open_dim(graph), Error);
  EXPECT_EQ(fitting_open_dim(small_model(false)), 16);
}

TEST(CalibrateErrors, NanIsNamed) {
  Graph graph;
  Value input;
  input.name = "x";
  input.type = {DataType::kFloat, {Dim(std::string("N")), 2}};
  graph.inputs = {graph.add_value(std::move(input))};
  graph.outputs = {add(graph, "Sub", {graph.inputs[0], graph.inputs[0]})};
  const ValueId zero = graph.outputs[0];
  graph.outputs = {add(graph, "Div", {zero, zero})};
  infer_types(graph);
  Dataset data = Dataset::synthetic(model_inputs(graph));
  try {
    calibrate(graph, data, observable_values(graph));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kModel);
    EXPECT_NE(error.message().find(graph[graph.outputs[0]].name + "' is NaN"), std::string::npos);
  }
}

}  // namespace
}  // namespace tinyc
