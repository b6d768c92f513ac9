#include "tinyc/eval/computable.h"

#include <gtest/gtest.h>

#include <memory>

#include "tinyc/eval/program.h"
#include "unit/graph_builder.h"

namespace tinyc {
namespace {

using testing::GraphBuilder;

// x -> Relu -> ? -> Neg -> y, and Relu -> Abs -> z; the op in the middle is unknown.
Graph with_unknown_op() {
  GraphBuilder b;
  const ValueId r = b.node("Relu", {b.input("x", {1, 4})});
  const ValueId n = b.node("Neg", {b.node("Identity", {r})});
  Graph graph = b.finish({n, b.node("Abs", {r})});
  graph.nodes[1].op = nullptr;
  graph.nodes[1].foreign = std::make_shared<Foreign>();
  return graph;
}

TEST(Computable, IsWhatNoUnknownOpStandsBefore) {
  EXPECT_EQ(computable_nodes(with_unknown_op()), (std::vector<bool>{true, false, false, true}));
}

TEST(Computable, PartRunsAndHandsOutWhatTheRestWouldRead) {
  const Graph graph = with_unknown_op();
  const Graph part = computable_part(graph);
  ASSERT_EQ(part.outputs.size(), 2U);
  EXPECT_EQ(part[part.outputs[0]].name, "Abs3_out");
  EXPECT_EQ(part[part.outputs[1]].name, "Relu0_out");
  Workspace workspace;
  const std::vector<Tensor> inputs = {Tensor::of<float>({1, 4}, std::vector<float>{-1, 2, -3, 4})};
  const std::vector<Tensor> outputs = Program(part).run(inputs, workspace);
  EXPECT_EQ(outputs[1].to_float(), (std::vector<float>{0, 2, 0, 4}));
}

TEST(Computable, AKnownGraphIsItsOwnPart) {
  Graph graph = with_unknown_op();
  graph.nodes[1].op = find_op("", "Identity");
  EXPECT_EQ(computable_part(graph).nodes.size(), graph.nodes.size());
  EXPECT_EQ(computable_part(graph).outputs, graph.outputs);
}

}  // namespace
}  // namespace tinyc
