// If, Loop and Scan: types through subgraphs, and bodies that do not fit or do not end.
#include <gtest/gtest.h>

#include "graph_builder.h"
#include "tinyc/eval/program.h"

namespace tinyc::testing {
namespace {

std::shared_ptr<const Graph> shared(Graph graph) {
  return std::make_shared<const Graph>(std::move(graph));
}

// Adds a node of several outputs.
std::vector<ValueId> append(Graph& graph, std::string_view op, std::vector<ValueId> inputs, int outputs,
                            AttributeList attributes) {
  Node node;
  node.op = find_op("", op);
  node.name = op;
  node.inputs = std::move(inputs);
  node.attributes = std::move(attributes);
  for (int i = 0; i < outputs; ++i) {
    Value value;
    value.name = "y" + std::to_string(i);
    node.outputs.push_back(graph.add_value(std::move(value)));
  }
  graph.nodes.push_back(node);
  return node.outputs;
}

// A body of Loop: doubles its state each time, keeps it, and goes on as `again` says.
Graph doubling_body(bool again) {
  GraphBuilder b;
  b.input("i", {}, DataType::kInt64);
  b.input("go_on", {}, DataType::kBool);
  const ValueId state = b.input("state", {2});
  const ValueId twice = b.node("Add", {state, state});
  return b.finish({b.constant("again", Tensor::scalar(again)), twice, twice});
}

struct LoopModel {
  Graph graph;
  LoopModel(std::shared_ptr<const Graph> body, Tensor trips) {
    GraphBuilder b;
    const ValueId x = b.input("x", {2});
    const ValueId count = trips.defined() ? b.constant("trips", std::move(trips)) : kNoValue;
    graph = b.finish({x});
    graph.outputs = append(graph, "Loop", {count, kNoValue, x}, 2, {{"body", std::move(body)}});
    infer_types(graph);
  }
  std::vector<Tensor> run() const {
    Workspace workspace;
    const Tensor x = Tensor::of<float>({2}, std::vector<float>{1, 3});
    return Program(graph).run(std::span(&x, 1), workspace);
  }
};

TEST(Loop, StacksWhatIsKept) {
  const LoopModel model(shared(doubling_body(true)), Tensor::scalar<int64_t>(3));
  const std::vector<Tensor> outputs = model.run();
  EXPECT_EQ(outputs[0].to_float(), (std::vector<float>{8, 24}));
  EXPECT_EQ(outputs[1].dims(), (Dims{3, 2}));
  EXPECT_EQ(outputs[1].to_float(), (std::vector<float>{2, 6, 4, 12, 8, 24}));
  EXPECT_EQ(to_string(model.graph[model.graph.outputs[1]].type), "float32[?,2]");
}

TEST(Loop, NoIterationGivesTheStateAndAnEmptyStack) {
  const std::vector<Tensor> outputs = LoopModel(shared(doubling_body(true)), Tensor::scalar<int64_t>(0)).run();
  EXPECT_EQ(outputs[0].to_float(), (std::vector<float>{1, 3}));
  EXPECT_EQ(outputs[1].dims(), (Dims{0, 2}));
}

TEST(Loop, EndsWhenTheConditionFails) {
  const std::vector<Tensor> outputs = LoopModel(shared(doubling_body(false)), Tensor()).run();
  EXPECT_EQ(outputs[0].to_float(), (std::vector<float>{2, 6}));
}

TEST(Loop, RefusesABodyOfAnotherSignature) {
  GraphBuilder b;
  b.input("i", {}, DataType::kInt64);
  const ValueId condition = b.input("go_on", {}, DataType::kBool);
  EXPECT_THROW(LoopModel(shared(b.finish({condition})), Tensor::scalar<int64_t>(1)), Error);
}

// A branch that adds a row of zeros or two to what it captures.
Graph branch(int64_t rows) {
  GraphBuilder b;
  const ValueId x = b.input("captured", {Dim("N"), 2});
  const ValueId zeros = b.constant("zeros", Tensor::zeros(DataType::kFloat, {rows, 2}));
  return b.finish({b.node("Concat", {x, zeros}, {{"axis", int64_t{0}}})});
}

TEST(If, TypeIsWhatIsTrueOfBothBranches) {
  GraphBuilder b;
  const ValueId condition = b.input("condition", {}, DataType::kBool);
  const ValueId x = b.input("x", {4, 2});
  Graph graph = b.finish({x});
  const ValueId y = append(graph, "If", {condition, x}, 1,
                           {{"then_branch", shared(branch(1))}, {"else_branch", shared(branch(2))}})[0];
  graph.nodes[0].captures = 1;
  infer_types(graph);
  EXPECT_EQ(to_string(graph[y].type), "float32[?,2]");
  graph[condition].constant = Tensor::scalar(true);
  infer_types(graph);
  EXPECT_EQ(to_string(graph[y].type), "float32[5,2]");
}

}  // namespace
}  // namespace tinyc::testing
