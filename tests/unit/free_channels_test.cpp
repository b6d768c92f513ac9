// Whatever the network, factors on its free channels change what it computes by float rounding only.
#include "tinyc/quant/free_channels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tinyc/eval/program.h"
#include "tinyc/ir/verify.h"
#include "tinyc/pass/rewrite.h"
#include "unit/compare_graphs.h"
#include "unit/random_network.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

std::vector<double> random_factors(const FreeChannels& channels, uint64_t seed) {
  Rng rng(seed);
  std::vector<double> factors{1.0};
  while (static_cast<int32_t>(factors.size()) < channels.count) factors.push_back(std::exp2(rng.uniform(-4, 4)));
  return factors;
}

TEST(FreeChannels, FactorsChangeNothingInRandomNetworks) {
  int64_t free = 0, clamps = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Graph before = RandomNetwork(seed).make();
    Graph after = before;
    const FreeChannels channels = find_free_channels(before, true);
    scale_channels(after, channels, random_factors(channels, seed));
    infer_types(after);
    ASSERT_NO_THROW(verify(after));
    const Sample sample = random_sample(before, seed);
    expect_close_outputs(run(before, sample), run(after, sample));
    if (HasFatalFailure()) return;
    free += channels.count - 1;
    clamps +=
        std::count_if(after.nodes.begin(), after.nodes.end(), [](const Node& node) { return is_op(node, "Min"); });
  }
  EXPECT_GT(free, 200 * 20);
  EXPECT_GT(clamps, 50);
}

int32_t free_count(const Graph& graph, bool split_clamps = false) {
  return find_free_channels(graph, split_clamps).count - 1;
}

TEST(FreeChannels, EachLayerHasItsOwnUpToTheOutputs) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 6, 6});
  const ValueId first = b.node("Relu", {b.node("Conv", {x, b.random("w1", {4, 3, 1, 1})})});
  const ValueId second = b.node("Conv", {first, b.random("w2", {4, 1, 3, 3})}, {{"group", int64_t{4}}});
  EXPECT_EQ(free_count(b.finish({b.node("Conv", {second, b.random("w3", {2, 4, 1, 1})})})), 8);
}

TEST(FreeChannels, AFunctionThatIsNotHomogeneousFixesThem) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 6, 6});
  const ValueId first = b.node("Tanh", {b.node("Conv", {x, b.random("w1", {4, 3, 1, 1})})});
  EXPECT_EQ(free_count(b.finish({b.node("Conv", {first, b.random("w2", {2, 4, 1, 1})})})), 0);
}

TEST(FreeChannels, ASumTiesItsTwoSides) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 6, 6});
  const ValueId left = b.node("Conv", {x, b.random("w1", {4, 3, 1, 1})});
  const ValueId right = b.node("Conv", {x, b.random("w2", {4, 3, 1, 1})});
  const ValueId sum = b.node("Relu", {b.node("Add", {left, right})});
  EXPECT_EQ(free_count(b.finish({b.node("Conv", {sum, b.random("w3", {2, 4, 1, 1})})})), 4);
}

TEST(FreeChannels, AClampWithAnUpperLimitFixesThemUnlessItIsSplit) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 6, 6});
  const ValueId clipped =
      b.node("Clip", {b.node("Conv", {x, b.random("w1", {4, 3, 1, 1})}), b.constant("low", Tensor::scalar(0.0F)),
                      b.constant("high", Tensor::scalar(6.0F))});
  const Graph graph = b.finish({b.node("Conv", {clipped, b.random("w2", {2, 4, 1, 1})})});
  EXPECT_EQ(free_count(graph), 0);
  EXPECT_EQ(free_count(graph, true), 4);
}

TEST(FreeChannels, APaddingOtherThanZeroFixesThem) {
  for (const float value : {0.0F, 0.5F}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 3, 6, 6});
    const ValueId pads = b.constant("pads", Tensor::of<int64_t>({8}, std::vector<int64_t>{0, 0, 1, 1, 0, 0, 1, 1}));
    const ValueId padded = b.node(
        "Pad", {b.node("Conv", {x, b.random("w1", {4, 3, 1, 1})}), pads, b.constant("value", Tensor::scalar(value))});
    EXPECT_EQ(free_count(b.finish({b.node("Conv", {padded, b.random("w2", {2, 4, 1, 1})})})), value == 0.0F ? 4 : 0);
  }
}

TEST(FreeChannels, AreFollowedWhereTheBatchIsOpen) {
  GraphBuilder b;
  const ValueId x = b.input("x", Shape({Dim("N"), Dim(3), Dim(6), Dim(6)}));
  const ValueId flat = b.node("Flatten", {b.node("Relu", {b.node("Conv", {x, b.random("w1", {4, 3, 3, 3})})})});
  EXPECT_EQ(free_count(b.finish({b.node("Gemm", {flat, b.random("w2", {64, 5})})})), 4);
}

}  // namespace
}  // namespace tinyc::testing
