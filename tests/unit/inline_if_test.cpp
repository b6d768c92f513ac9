#include "tinyc/pass/inline_if.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/onnx_text.h"
#include "tinyc/onnx/import.h"
#include "tinyc/ops/infer.h"
#include "tinyc/ops/op.h"
#include "unit/run_graph.h"

namespace tinyc::testing {
namespace {

using ::testing::ElementsAre;

Graph import_fixed(const std::string& condition, std::string_view text) {
  return import_model_bytes(model_from_text(text), {}, {.dims = {}, .fixed = {{"which", condition}}});
}

std::vector<float> run(const Graph& graph) {
  return testing::run(graph, {Tensor::of<float>({2}, std::vector<float>{-1, 2})})[0].to_float();
}

constexpr std::string_view kNested = R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x, bool which) => (float[2] y) <float[2] w = {10, 20}> {
      left = Neg(x)
      t = If (which) <
        then_branch = t () => (float[2] r) { left_2 = Add(left, w) r = Abs(left_2) },
        else_branch = e () => (float[2] r) {
          r = If (which) < then_branch = tt () => (float[2] q) { q = Exp(x) },
                           else_branch = ee () => (float[2] q) { m = Mul(x, w) q = Sub(m, left) } > } >
      y = Neg(t)
    })";

TEST(InlineIf, TheBranchTakenStandsInPlaceOfTheNode) {
  Graph graph = import_fixed("true", kNested);
  EXPECT_TRUE(inline_constant_ifs(graph));
  infer_types(graph);
  EXPECT_THAT(ops_of(graph), ElementsAre("Neg", "Add", "Abs", "Neg"));
  EXPECT_THAT(run(graph), ElementsAre(-11, -18));
  EXPECT_FALSE(inline_constant_ifs(graph));
}

TEST(InlineIf, BranchesInBranchesAreDecidedToo) {
  Graph graph = import_fixed("false", kNested);
  EXPECT_TRUE(inline_constant_ifs(graph));
  infer_types(graph);
  EXPECT_THAT(ops_of(graph), ElementsAre("Neg", "Mul", "Sub", "Neg"));
  EXPECT_THAT(run(graph), ElementsAre(11, -42));
}

TEST(InlineIf, ValuesHandedThroughKeepTheNameOfTheOutput) {
  constexpr std::string_view kText = R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x, bool which) => (float[2] y) <float[2] w = {10, 20}> {
      y = If (which) < then_branch = t () => (float[2] x) { }, else_branch = e () => (float[2] w) { } >
    })";
  for (const auto& [condition, expected] : {std::pair{"1", std::vector<float>{-1, 2}}, {"0", {10, 20}}}) {
    Graph graph = import_fixed(condition, kText);
    EXPECT_TRUE(inline_constant_ifs(graph));
    infer_types(graph);
    EXPECT_THAT(ops_of(graph), ElementsAre("Identity"));
    EXPECT_EQ(graph[graph.outputs[0]].name, "y");
    EXPECT_EQ(run(graph), expected);
  }
}

TEST(InlineIf, AConditionThatIsComputedStays) {
  Graph graph = import_model_bytes(model_from_text(kNested));
  EXPECT_FALSE(inline_constant_ifs(graph));
  EXPECT_THAT(ops_of(graph), ElementsAre("Neg", "If", "Neg"));
}

}  // namespace
}  // namespace tinyc::testing
