// Structures are found whole, those that nobody misses go first, and the model that is left is smaller.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tinyc/quant/structures.h"
#include "unit/compare_graphs.h"
#include "unit/pruned.h"

namespace tinyc::testing {
namespace {

using Ints = std::vector<int64_t>;

ValueId ints(GraphBuilder& b, const Ints& values) {
  return b.constant("sizes", Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
}

// An attention of four heads of two, with a residual sum; head 2 mixes values that are near 0.
Graph quiet_head() {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 6, 8});
  const auto heads = [&](const std::string& name, const Ints& order) {
    Tensor w = GraphBuilder::random_tensor({8, 8}, 0.5F, name[0]);
    if (name == "v") {
      for (int64_t i = 0; i < 8; ++i) w.mutable_data<float>()[i * 8 + 4] = w.mutable_data<float>()[i * 8 + 5] = 1e-3F;
    }
    const ValueId made =
        b.node("Add", {b.node("MatMul", {x, b.constant("w" + name, w)}), b.random("b" + name, {8}, 1e-3F)});
    return b.node("Transpose", {b.node("Reshape", {made, ints(b, {0, 0, 4, 2})})}, {{"perm", order}});
  };
  const ValueId q = heads("q", {0, 2, 1, 3}), k = heads("k", {0, 2, 3, 1}), v = heads("v", {0, 2, 1, 3});
  const ValueId mixed = b.node("MatMul", {b.node("Softmax", {b.node("MatMul", {q, k})}), v});
  const ValueId joined =
      b.node("Reshape", {b.node("Transpose", {mixed}, {{"perm", Ints{0, 2, 1, 3}}}), ints(b, {1, -1, 8})});
  return b.finish({b.node("Add", {b.node("MatMul", {joined, b.random("wo", {8, 8})}), x})});
}

// A recurrent layer whose last state is classified.
Graph recurrent(const std::string& op, int64_t gates) {
  GraphBuilder b;
  const ValueId x = b.input("x", {7, 1, 3});
  const ValueId w = b.random("w", {1, gates * 8, 3}), r = b.random("r", {1, gates * 8, 8}, 0.3F);
  AttributeList attributes{{"hidden_size", int64_t{8}}};
  if (op == "GRU") attributes["linear_before_reset"] = int64_t{1};
  const std::vector<ValueId> y = b.nodes(op, {x, w, r, b.random("b", {1, 2 * gates * 8}, 0.2F)}, attributes, 2);
  const ValueId last = b.node("Squeeze", {y[1], ints(b, {0})});
  return b.finish({b.node("Gemm", {last, b.random("w2", {8, 4}), b.random("b2", {4})})});
}

Pruned prune(const Graph& model, const std::string& pass, double share) {
  Pruned pruned = prune_with(model, pass, {{"share", share}});
  run_pass(pruned.graph, "eliminate-constant-channels", pruned.calibrated->context);
  return pruned;
}

TEST(Structures, AHeadIsItsQueriesKeysAndValuesAndWhatReadsThem) {
  const Graph graph = quiet_head();
  const std::vector<Structure> heads = find_structures(graph, StructureKind::kHead);
  ASSERT_EQ(heads.size(), 4U);
  for (const Structure& head : heads) {
    std::map<std::string, int> slices;
    for (const Slice& slice : head.slices) ++slices[graph[slice.value].name];
    for (const char* name : {"wq", "wk", "wv", "wo", "bq", "bk", "bv"}) EXPECT_EQ(slices[name], 2) << name;
    EXPECT_EQ(head.read.size(), 2U);
    EXPECT_EQ(graph[head.read[0].value].name, "wo");
  }
  EXPECT_TRUE(find_structures(graph, StructureKind::kChannel).empty()) << "single elements of heads cannot go";
}

TEST(Structures, AHiddenUnitIsAllItsGates) {
  const Graph graph = recurrent("GRU", 3);
  const std::vector<Structure> units = find_structures(graph, StructureKind::kChannel);
  ASSERT_EQ(units.size(), 8U);
  std::map<std::string, int> slices;
  for (const Slice& slice : units[5].slices) ++slices[graph[slice.value].name];
  EXPECT_EQ(slices["w"], 3);
  EXPECT_EQ(slices["r"], 4);
  EXPECT_EQ(slices["b"], 6);
  EXPECT_EQ(slices["w2"], 1);
  EXPECT_EQ(units[5].read.size(), 2U) << "a column of the recurrent weights and one of the reader";
}

TEST(Structures, AGroupOfAConvolutionIsOne) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 4, 4});
  const ValueId made = b.node("Relu", {b.node("Conv", {x, b.random("w1", {8, 3, 1, 1})})});
  const ValueId grouped =
      b.node("Relu", {b.node("Conv", {made, b.random("w2", {12, 2, 3, 3})}, {{"group", int64_t{4}}})});
  const Graph graph = b.finish({b.node("Conv", {grouped, b.random("w3", {2, 12, 1, 1})})});
  EXPECT_EQ(find_structures(graph, StructureKind::kChannel).size(), 4U);
}

TEST(PruneHeads, TheHeadThatSaysNothingGoesFirst) {
  const Pruned pruned = prune(quiet_head(), "prune-heads", 0.25);
  EXPECT_EQ(pruned.context().counters.at("prune-heads.heads"), 1);
  for (const char* name : {"wq", "wk", "wv"}) EXPECT_EQ(dims_of(pruned.graph, name), (Dims{8, 6}));
  EXPECT_EQ(dims_of(pruned.graph, "wo"), (Dims{6, 8}));
  EXPECT_GT(sqnr(pruned.reference, pruned.graph), 40.0);
}

TEST(PruneHeads, ABlockKeepsAHead) {
  EXPECT_EQ(dims_of(prune(quiet_head(), "prune-heads", 0.99).graph, "wo"), (Dims{2, 8}));
}

TEST(PruneChannels, HiddenUnitsGo) {
  for (const auto& [op, gates] : {std::pair<std::string, int64_t>{"GRU", 3}, {"LSTM", 4}}) {
    SCOPED_TRACE(op);
    const Pruned pruned = prune(recurrent(op, gates), "prune-channels", 0.3);
    const Dims r = dims_of(pruned.graph, "r");
    EXPECT_LT(r[2], 8);
    EXPECT_EQ(r[1], gates * r[2]);
    EXPECT_EQ(dims_of(pruned.graph, "w2")[0], r[2]);
    EXPECT_GT(sqnr(pruned.reference, pruned.graph), 3.0);
  }
}

}  // namespace
}  // namespace tinyc::testing
