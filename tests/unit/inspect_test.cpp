#include "tinyc/driver/inspect.h"

#include <gtest/gtest.h>

#include "tinyc/driver/load.h"
#include "unit/graph_builder.h"

namespace tinyc {
namespace {

using testing::GraphBuilder;

TEST(Inspect, CountsMacsParamsAndBytes) {
  GraphBuilder b;
  const ValueId x = b.input("x", {Dim("N"), 2, 8, 8});
  const ValueId c = b.node("Conv", {x, b.random("w", {4, 2, 3, 3}), b.random("b", {4})});
  const ModelSummary summary = summarize(b.finish({b.node("Relu", {c})}));
  EXPECT_EQ(summary.macs, 4 * 6 * 6 * 2 * 9);
  EXPECT_EQ(summary.params, 4 * 2 * 9 + 4);
  EXPECT_EQ(summary.weight_bytes, 4 * summary.params);
  EXPECT_EQ(summary.open_dims, std::vector<std::string>{"N"});
  EXPECT_EQ(summary.ops.at("Conv"), 1);
}

TEST(Inspect, KnowsWhatIsAliveAtTheSameTime) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 100});  // 400 bytes
  const ValueId a = b.node("Relu", {x});     // x, a: 800
  const ValueId n = b.node("Neg", {a});      // a, n: 800; a is read again below
  const ValueId t = b.node("Abs", {n});      // a, n, t: 1200
  const ValueId s = b.node("Add", {a, t});   // a, t, s: 1200
  const ModelSummary summary = summarize(b.finish({s}));
  EXPECT_EQ(summary.layers[0].live_bytes, 800);
  EXPECT_EQ(summary.layers[1].live_bytes, 800);
  EXPECT_EQ(summary.layers[2].live_bytes, 1200);
  EXPECT_EQ(summary.layers[3].live_bytes, 1200);
  EXPECT_EQ(summary.peak_activation_bytes, 1200);
}

TEST(Inspect, AViewSharesItsOperandsBytes) {
  GraphBuilder b;
  const ValueId x = b.input("x", {4, 25});
  const ValueId flat = b.node("Flatten", {x}, {{"axis", int64_t{0}}});
  const ModelSummary summary = summarize(b.finish({b.node("Relu", {flat})}));
  EXPECT_EQ(summary.layers[0].live_bytes, 400);
  EXPECT_EQ(summary.peak_activation_bytes, 800);
}

TEST(Inspect, CountsASharedWeightOnce) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 4});
  const ValueId w = b.random("w", {4, 4});
  const ModelSummary summary = summarize(b.finish({b.node("MatMul", {b.node("MatMul", {x, w}), w})}));
  EXPECT_EQ(summary.params, 16);
  EXPECT_EQ(summary.macs, 32);
}

}  // namespace
}  // namespace tinyc
