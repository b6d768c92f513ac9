#include "tinyc/eval/program.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

Tensor random_tensor(Dims dims, std::mt19937& random) {
  Tensor tensor = Tensor::zeros(DataType::kFloat, std::move(dims));
  std::uniform_real_distribution<float> real(-1.0F, 1.0F);
  for (float& element : tensor.mutable_data<float>()) element = real(random);
  return tensor;
}

ValueId add_value(Graph& graph, std::string name, Shape shape = Shape::unranked()) {
  Value value;
  value.name = std::move(name);
  value.type = {DataType::kFloat, std::move(shape)};
  return graph.add_value(std::move(value));
}

ValueId add_node(Graph& graph, std::string_view op, std::vector<ValueId> inputs, AttributeList attributes = {}) {
  Node node;
  node.op = find_op("", op);
  node.name = std::string(op) + std::to_string(graph.nodes.size());
  node.inputs = std::move(inputs);
  node.attributes = std::move(attributes);
  node.outputs = {add_value(graph, node.name + "_out")};
  graph.nodes.push_back(node);
  return node.outputs[0];
}

// x -> Conv -> Relu -> Conv -> Add(relu) -> Clip -> Flatten -> Gemm
struct Net {
  Graph graph;
  ValueId x, conv, relu, flat;

  explicit Net(std::mt19937& random) {
    x = add_value(graph, "x", Shape{Dim("N"), 3, 9, 7});
    graph.inputs = {x};
    const auto constant = [&](Dims dims) { return graph.add_constant("w", random_tensor(std::move(dims), random)); };
    const AttributeList pads{{"pads", std::vector<int64_t>{1, 1, 1, 1}}};
    conv = add_node(graph, "Conv", {x, constant({5, 3, 3, 3}), constant({5})}, pads);
    relu = add_node(graph, "Relu", {conv});
    const ValueId second = add_node(graph, "Conv", {relu, constant({5, 5, 3, 3})}, pads);
    const ValueId sum = add_node(graph, "Add", {second, relu});
    const ValueId low = graph.add_constant("low", Tensor::scalar(-0.25F));
    const ValueId clipped = add_node(graph, "Clip", {sum, low});
    flat = add_node(graph, "Flatten", {clipped});
    graph.outputs = {add_node(graph, "Gemm", {flat, constant({5 * 9 * 7, 4}), constant({4})})};
  }
};

std::vector<Tensor> run_observed(const Graph& graph, const Tensor& input) {
  Program::Options options;
  for (size_t i = 0; i < graph.values.size(); ++i) options.observed.push_back(ValueId{static_cast<uint32_t>(i)});
  Workspace workspace;
  return Program(graph, options).run({&input, 1}, workspace, [](ValueId, const Tensor&) {});
}

TEST(Program, FusingAndReusingMemoryKeepTheBits) {
  std::mt19937 random(3);
  const Net net(random);
  const Tensor input = random_tensor({4, 3, 9, 7}, random);
  Workspace workspace;
  const Program program(net.graph);
  const std::vector<Tensor> fused = program.run({&input, 1}, workspace);
  EXPECT_TRUE(fused[0].same_bytes(run_observed(net.graph, input)[0]));
  EXPECT_TRUE(fused[0].same_bytes(program.run({&input, 1}, workspace)[0]));
}

TEST(Program, SampleBitsDoNotDependOnTheBatch) {
  std::mt19937 random(4);
  const Net net(random);
  const Tensor all = random_tensor({5, 3, 9, 7}, random);
  const Program program(net.graph);
  Workspace workspace;
  const Tensor together = program.run({&all, 1}, workspace)[0];
  for (int64_t n = 0; n < 5; ++n) {
    const Tensor one = Tensor::of<float>({1, 3, 9, 7}, all.data<float>().subspan(static_cast<size_t>(n * 189), 189));
    const Tensor alone = program.run({&one, 1}, workspace)[0];
    const auto expected = together.data<float>().subspan(static_cast<size_t>(n * 4), 4);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), alone.data<float>().begin()));
  }
}

TEST(Program, ObserversSeeEachValueOnceAndUnfused) {
  std::mt19937 random(5);
  const Net net(random);
  const Tensor input = random_tensor({2, 3, 9, 7}, random);
  Program::Options options;
  options.observed = {net.x, net.conv, net.relu, net.flat};
  std::vector<ValueId> seen;
  float lowest = 0.0F;
  Workspace workspace;
  Program(net.graph, options).run({&input, 1}, workspace, [&](ValueId id, const Tensor& tensor) {
    seen.push_back(id);
    if (id == net.conv) {
      for (const float element : tensor.data<float>()) lowest = std::min(lowest, element);
    }
  });
  EXPECT_EQ(seen, options.observed);
  EXPECT_LT(lowest, 0.0F);
}

TEST(Program, RefusesAnInputThatDoesNotFit) {
  std::mt19937 random(6);
  const Net net(random);
  const Tensor wrong = random_tensor({1, 3, 9, 8}, random);
  Workspace workspace;
  try {
    Program(net.graph).run({&wrong, 1}, workspace);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_STREQ(error.what(), "input 'x' is float32[N,3,9,7] but was given float32[1,3,9,8]");
  }
}

}  // namespace
}  // namespace tinyc
