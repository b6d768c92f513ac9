#include <gtest/gtest.h>

#include "code/builder.h"
#include "tinyc/eval/program.h"
#include "unit/graph_builder.h"

namespace tinyc {
namespace {

using testing::GraphBuilder;

Graph flattened(const std::string& op, bool transposed_weights) {
  GraphBuilder b;
  const ValueId x = b.node("Relu", {b.input("x", {1, 3, 4, 5})});
  const ValueId flat = b.node("Flatten", {x});
  if (op == "MatMul") return b.finish({b.node("MatMul", {flat, b.random("w", {60, 7})})});
  const ValueId w = transposed_weights ? b.random("w", {7, 60}) : b.random("w", {60, 7});
  return b.finish({b.node("Gemm", {flat, w}, {{"transB", int64_t{transposed_weights ? 1 : 0}}})});
}

void expect_same_results(const Graph& before, const Graph& after) {
  const std::vector<Tensor> inputs = {GraphBuilder::random_tensor({1, 3, 4, 5}, 1.0F, 5)};
  Workspace workspace;
  const std::vector<float> expected = Program(before).run(inputs, workspace)[0].to_float();
  const std::vector<float> actual = Program(after).run(inputs, workspace)[0].to_float();
  ASSERT_EQ(expected.size(), actual.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-5F);
}

TEST(AbsorbFlatten, WeightsTakeTheOrder) {
  for (const auto& [op, transposed] : {std::pair("MatMul", false), std::pair("Gemm", false), std::pair("Gemm", true)}) {
    const Graph before = flattened(op, transposed);
    Graph after = before;
    absorb_flatten(after);
    EXPECT_EQ(after.nodes.size(), before.nodes.size() + 1) << op;
    infer_types(after);
    expect_same_results(before, after);
  }
}

TEST(AbsorbFlatten, SharedWeightsStay) {
  GraphBuilder b;
  const ValueId flat = b.node("Flatten", {b.node("Relu", {b.input("x", {1, 3, 4, 5})})});
  const ValueId w = b.random("w", {60, 60});
  Graph graph = b.finish({b.node("MatMul", {b.node("MatMul", {flat, w}), w})});
  absorb_flatten(graph);
  EXPECT_EQ(graph.nodes.size(), 4U);
}

}  // namespace
}  // namespace tinyc
