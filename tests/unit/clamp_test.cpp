// Limits of clamps, and which of them stand behind a value.
#include "tinyc/ops/clamp.h"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/graph_builder.h"

namespace tinyc::testing {
namespace {

ClampLimits behind(const Graph& graph, ValueId id) {
  return limits_behind(graph, Uses(graph), id);
}

TEST(Clamp, ReluCutsBelowZero) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 4});
  const Graph graph = b.finish({b.node("Relu", {x})});
  EXPECT_EQ(behind(graph, x), (ClampLimits{0.0F, INFINITY}));
}

TEST(Clamp, ClipCutsAtItsConstants) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 4}), y = b.input("y", {1, 4});
  const ValueId low = b.constant("low", Tensor::scalar(-1.0F)), high = b.constant("high", Tensor::scalar(6.0F));
  const Graph graph = b.finish({b.node("Clip", {x, low, high}), b.node("Clip", {y, kNoValue, high})});
  EXPECT_EQ(behind(graph, x), (ClampLimits{-1.0F, 6.0F}));
  EXPECT_EQ(behind(graph, y), (ClampLimits{-INFINITY, 6.0F}));
  EXPECT_EQ(behind(graph, x)(7.0F), 6.0F);
}

TEST(Clamp, ComputedLimitsAreNotKnown) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 4}), low = b.input("low", {});
  const Graph graph = b.finish({b.node("Clip", {x, low})});
  EXPECT_EQ(behind(graph, x), ClampLimits{});
}

TEST(Clamp, OtherReadersSeeWhatIsCutOff) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 4}), y = b.input("y", {1, 4});
  const ValueId shown = b.node("Add", {x, y});
  const Graph graph = b.finish({b.node("Relu", {x}), shown, b.node("Relu", {shown}), b.node("Sigmoid", {y})});
  for (const ValueId id : {x, y, shown}) EXPECT_EQ(behind(graph, id), ClampLimits{});
}

}  // namespace
}  // namespace tinyc::testing
