// Slices of zeros leave float graphs with all that is tied to them, through every kind of op that they meet; what the
// graph computes stays.
#include "tinyc/quant/slice_cuts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tinyc/ir/verify.h"
#include "unit/run_graph.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

using Ints = std::vector<int64_t>;

// Random weights, 0 where the index along `axis` is one of `zeros`.
Tensor with_zeros(const Dims& dims, size_t axis, const std::set<int64_t>& zeros, uint64_t seed) {
  Tensor tensor = GraphBuilder::random_tensor(dims, 0.5F, seed);
  const int64_t inner = element_count(std::span(dims).subspan(axis + 1));
  const auto data = tensor.mutable_data<float>();
  for (size_t e = 0; e < data.size(); ++e) {
    if (zeros.contains(static_cast<int64_t>(e) / inner % dims[axis])) data[e] = 0.0F;
  }
  return tensor;
}

ValueId ints(GraphBuilder& b, const Ints& values) {
  return b.constant("sizes", Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
}

// Cuts the graph, expects the same results, and gives what is left.
Graph cut(const Graph& before) {
  Graph after = before;
  const SliceCuts cuts = find_slice_cuts(after);
  apply_slice_cuts(after, cuts);
  infer_types(after);
  verify(after);
  EXPECT_TRUE(find_slice_cuts(after).empty(after)) << "a second look finds more";
  for (size_t i = 0; i < after.values.size(); ++i) {
    const Shape& shape = after.values[i].type.shape;
    for (size_t axis = 0; axis < cuts.kept[i].size() && i < before.values.size(); ++axis) {
      const Dim& dim = shape[static_cast<int>(axis)];
      EXPECT_TRUE(!dim.known() || static_cast<size_t>(dim.value) == cuts.kept[i][axis].size());
    }
  }
  const Sample sample = random_sample(before, 3);
  const std::vector<Tensor> expected = run(before, sample), actual = run(after, sample);
  for (size_t k = 0; k < expected.size(); ++k) {
    EXPECT_EQ(actual[k].dims(), expected[k].dims());
    const auto a = expected[k].data<float>(), c = actual[k].data<float>();
    for (size_t i = 0; i < a.size() && i < c.size(); ++i) EXPECT_NEAR(c[i], a[i], 1e-5F);
  }
  return after;
}

TEST(SliceCuts, NothingLeavesAGraphWithoutZeros) {
  for (const NamedGraph& named : float_graphs()) {
    if (named.name == "dead channels") continue;
    SCOPED_TRACE(named.name);
    EXPECT_TRUE(find_slice_cuts(named.graph).empty(named.graph));
  }
}

TEST(SliceCuts, WhatNobodyWeighsLeavesThroughFunctionsAndDepthwiseLayers) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 6, 6});
  const ValueId first = b.node("Sigmoid", {b.node("Conv", {x, b.random("w1", {8, 3, 3, 3}), b.random("b1", {8})})});
  const ValueId moved =
      b.node("HardSwish", {b.node("Conv", {first, b.random("w2", {8, 1, 3, 3})}, {{"group", int64_t{8}}})});
  const ValueId pooled = b.node("GlobalAveragePool", {moved});
  const Graph after =
      cut(b.finish({b.node("Conv", {pooled, b.constant("w3", with_zeros({4, 8, 1, 1}, 1, {1, 5}, 3))})}));
  EXPECT_EQ(dims_of(after, "w1"), (Dims{6, 3, 3, 3}));
  EXPECT_EQ(dims_of(after, "b1"), (Dims{6}));
  EXPECT_EQ(dims_of(after, "w2"), (Dims{6, 1, 3, 3}));
  EXPECT_EQ(dims_of(after, "w3"), (Dims{4, 6, 1, 1}));
  EXPECT_EQ(int_attr(after.nodes[2], "group"), 6);
}

// Rows of zeros without a bias make channels that are 0; a Relu, a residual sum and normalizations hand them on.
TEST(SliceCuts, ChannelsOfASumLeaveWhenAllItsOperandsAreZero) {
  for (const bool both : {false, true}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 3, 6, 6});
    const std::set<int64_t> second = both ? std::set<int64_t>{2} : std::set<int64_t>{};
    const ValueId left =
        b.node("Relu", {b.node("Conv", {x, b.constant("w1", with_zeros({6, 3, 1, 1}, 0, {2, 3}, 1))})});
    const ValueId right =
        b.node("Tanh", {b.node("Conv", {x, b.constant("w2", with_zeros({6, 3, 1, 1}, 0, second, 2))})});
    const ValueId sum = b.node("Add", {left, right});
    const Graph after = cut(b.finish({b.node("Conv", {sum, b.random("w3", {2, 6, 1, 1})})}));
    EXPECT_EQ(dims_of(after, "w1")[0], both ? 5 : 6);
    EXPECT_EQ(dims_of(after, "w2")[0], both ? 5 : 6);
  }
}

TEST(SliceCuts, ChannelsLeaveThroughBatchNormalizationConcatAndSlice) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 6, 6});
  const ValueId a = b.node("Conv", {x, b.random("w1", {4, 3, 1, 1})}),
                c = b.node("Conv", {x, b.random("w2", {6, 3, 1, 1})});
  const ValueId joined = b.node("Concat", {a, c}, {{"axis", int64_t{1}}});
  const ValueId normal =
      b.node("BatchNormalization", {joined, b.random("s", {10}), b.random("t", {10}), b.random("m", {10}),
                                    b.constant("v", {10}, std::vector<float>(10, 0.5F))});
  const ValueId part = b.node("Slice", {normal, ints(b, {2}), ints(b, {9}), ints(b, {1})});
  const Graph after =
      cut(b.finish({b.node("Conv", {part, b.constant("w3", with_zeros({2, 7, 1, 1}, 1, {0, 3, 6}, 3))})}));
  // Channels 0, 1 and 9 are not in the slice, 2, 5 and 8 are not weighed.
  EXPECT_EQ(dims_of(after, "w3"), (Dims{2, 4, 1, 1}));
  EXPECT_EQ(dims_of(after, "w1")[0], 1);
  EXPECT_EQ(dims_of(after, "w2")[0], 3);
  EXPECT_EQ(dims_of(after, "s"), (Dims{4}));
}

TEST(SliceCuts, PiecesOfASplitBecomeUneven) {
  GraphBuilder b;
  const ValueId x = b.input("x", {2, 5});
  const ValueId joined = b.node("MatMul", {x, b.random("w1", {5, 12})});
  const std::vector<ValueId> parts = b.nodes("Split", {joined}, {{"axis", int64_t{1}}, {"num_outputs", int64_t{3}}}, 3);
  const ValueId gated = b.node("Mul", {parts[0], parts[1]});
  const ValueId one = b.node("MatMul", {gated, b.constant("w2", with_zeros({4, 3}, 0, {1}, 2))});
  const ValueId two = b.node("MatMul", {parts[2], b.constant("w3", with_zeros({4, 3}, 0, {0, 2}, 3))});
  const Graph after = cut(b.finish({one, two}));
  EXPECT_EQ(dims_of(after, "w1"), (Dims{5, 8}));
  EXPECT_EQ(dims_of(after, "w2"), (Dims{3, 3}));
  EXPECT_EQ(dims_of(after, "w3"), (Dims{2, 3}));
}

TEST(SliceCuts, FlattenedChannelsLeaveWholeOrNotAtAll) {
  for (const bool whole : {false, true}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 3, 4, 4});
    const ValueId made = b.node("Conv", {x, b.random("w1", {5, 3, 1, 1})});
    std::set<int64_t> zeros;
    for (int64_t e = 32; e < (whole ? 48 : 47); ++e) zeros.insert(e);
    const ValueId flat = b.node("Reshape", {made, ints(b, {1, 80})});
    const Graph after = cut(b.finish({b.node("MatMul", {flat, b.constant("w2", with_zeros({80, 3}, 0, zeros, 2))})}));
    EXPECT_EQ(dims_of(after, "w1")[0], whole ? 4 : 5);
    EXPECT_EQ(dims_of(after, "w2")[0], whole ? 64 : 80);
  }
}

// Heads: [tokens, heads * 4] -> [heads, tokens, 4]; `unread` of the output projection's rows are 0.
Graph attention_without(const std::set<int64_t>& unread) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 6, 8});
  const auto heads = [&](const std::string& name, const Ints& order) {
    const ValueId made =
        b.node("Add", {b.node("MatMul", {x, b.random("w" + name, {8, 12})}), b.random("b" + name, {12})});
    return b.node("Transpose", {b.node("Reshape", {made, ints(b, {0, 0, 3, 4})})}, {{"perm", order}});
  };
  const ValueId q = heads("q", {0, 2, 1, 3}), k = heads("k", {0, 2, 3, 1}), v = heads("v", {0, 2, 1, 3});
  const ValueId scores = b.node("Mul", {b.node("MatMul", {q, k}), b.constant("scale", {}, {0.5F})});
  const ValueId mixed = b.node("MatMul", {b.node("Softmax", {scores}), v});
  const ValueId joined =
      b.node("Reshape", {b.node("Transpose", {mixed}, {{"perm", Ints{0, 2, 1, 3}}}), ints(b, {1, -1, 12})});
  return b.finish({b.node("MatMul", {joined, b.constant("wo", with_zeros({12, 8}, 0, unread, 9))})});
}

TEST(SliceCuts, AHeadLeavesWithItsQueriesKeysAndValues) {
  const Graph after = cut(attention_without({4, 5, 6, 7}));
  for (const char* name : {"wq", "wk", "wv"}) EXPECT_EQ(dims_of(after, name), (Dims{8, 8}));
  for (const char* name : {"bq", "bk", "bv"}) EXPECT_EQ(dims_of(after, name), (Dims{8}));
  EXPECT_EQ(dims_of(after, "wo"), (Dims{8, 8}));
}

TEST(SliceCuts, PartsOfHeadsStayUnlessAllHeadsLoseThem) {
  EXPECT_EQ(dims_of(cut(attention_without({4, 5, 6})), "wv"), (Dims{8, 12}));
  const Graph after = cut(attention_without({1, 5, 9}));
  EXPECT_EQ(dims_of(after, "wv"), (Dims{8, 9}));
  EXPECT_EQ(dims_of(after, "wq"), (Dims{8, 12}));
}

TEST(SliceCuts, GroupsLeaveGroupNormalizationWhole) {
  for (const int64_t last : {3, 4}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 3, 4, 4});
    const ValueId made = b.node("Conv", {x, b.random("w1", {6, 3, 1, 1})});
    const ValueId normal =
        b.node("GroupNormalization", {made, b.random("s", {6}), b.random("t", {6})}, {{"num_groups", int64_t{3}}});
    const Graph after =
        cut(b.finish({b.node("Conv", {normal, b.constant("w2", with_zeros({2, 6, 1, 1}, 1, {2, last}, 4))})}));
    EXPECT_EQ(dims_of(after, "w1")[0], last == 3 ? 4 : 6);
    EXPECT_EQ(int_attr(after.nodes[1], "num_groups"), last == 3 ? 2 : 3);
  }
}

TEST(SliceCuts, GroupsOfAConvolutionLeaveWhole) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 4, 4});
  const ValueId made = b.node("Conv", {x, b.random("w1", {8, 3, 1, 1})});
  const ValueId grouped = b.node("Conv", {made, b.random("w2", {12, 2, 3, 3})}, {{"group", int64_t{4}}});
  const Graph after =
      cut(b.finish({b.node("Conv", {grouped, b.constant("w3", with_zeros({2, 12, 1, 1}, 1, {3, 4, 5, 11}, 5))})}));
  EXPECT_EQ(dims_of(after, "w1")[0], 6);
  EXPECT_EQ(dims_of(after, "w2"), (Dims{9, 2, 3, 3}));
  EXPECT_EQ(int_attr(after.nodes[1], "group"), 3);
}

// Hidden units that neither the reader nor other units weigh.
TEST(SliceCuts, HiddenUnitsLeaveRecurrentLayers) {
  for (const int64_t gates : {4, 3}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {5, 1, 3});
    const ValueId w = b.random("w", {1, gates * 6, 3}), bias = b.random("b", {1, 2 * gates * 6});
    const ValueId r = b.constant("r", with_zeros({1, gates * 6, 6}, 2, {0, 4}, 6));
    const ValueId y = b.node(gates == 4 ? "LSTM" : "GRU", {x, w, r, bias}, {{"hidden_size", int64_t{6}}});
    const ValueId flat = b.node("Squeeze", {y, ints(b, {1})});
    const Graph after = cut(b.finish({b.node("MatMul", {flat, b.constant("w2", with_zeros({6, 2}, 0, {0, 4}, 7))})}));
    EXPECT_EQ(dims_of(after, "w"), (Dims{1, gates * 4, 3}));
    EXPECT_EQ(dims_of(after, "r"), (Dims{1, gates * 4, 4}));
    EXPECT_EQ(dims_of(after, "b"), (Dims{1, 2 * gates * 4}));
    EXPECT_EQ(int_attr(after.nodes[0], "hidden_size"), 4);
  }
}

TEST(SliceCuts, AValueKeepsOneIndex) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 4, 4});
  const ValueId made = b.node("Relu", {b.node("Conv", {x, b.random("w1", {5, 3, 1, 1})})});
  const Graph after = cut(b.finish(
      {b.node("Conv", {made, b.constant("w2", Tensor::zeros(DataType::kFloat, {2, 5, 1, 1})), b.random("b2", {2})})}));
  EXPECT_EQ(dims_of(after, "w1")[0], 1);
}

}  // namespace
}  // namespace tinyc::testing
