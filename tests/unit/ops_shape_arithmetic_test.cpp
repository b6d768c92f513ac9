// What inference knows of shapes that a model computes from an input with an open dimension.
#include <gtest/gtest.h>

#include "graph_builder.h"

namespace tinyc::testing {
namespace {

Tensor ints(const std::vector<int64_t>& values) {
  return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values);
}

// A model input [N, 3, 4, 5] and the pieces of shape arithmetic.
struct ShapeMath {
  GraphBuilder b;
  ValueId x = b.input("x", {Dim("N"), 3, 4, 5});
  ValueId shape = b.node("Shape", {x});
  int constants = 0;

  ValueId list(const std::vector<int64_t>& values) {
    return b.constant("c" + std::to_string(++constants), ints(values));
  }
  ValueId scalar(int64_t value) { return b.constant("c" + std::to_string(++constants), Tensor::scalar(value)); }
  std::string type_of(ValueId value) {
    const Graph graph = b.finish({value});
    return to_string(graph[value].type);
  }
};

TEST(ShapeArithmetic, GatherUnsqueezeConcatReshapeKeepTheSymbol) {
  ShapeMath m;
  const ValueId batch = m.b.node("Unsqueeze", {m.b.node("Gather", {m.shape, m.scalar(0)}), m.list({0})});
  const ValueId target = m.b.node("Concat", {batch, m.list({-1})}, {{"axis", int64_t{0}}});
  EXPECT_EQ(m.type_of(m.b.node("Reshape", {m.x, target})), "float32[N,60]");
}

TEST(ShapeArithmetic, SliceSqueezeCastReshape) {
  ShapeMath m;
  const ValueId last = m.b.node("Slice", {m.shape, m.list({2}), m.list({4})});
  const ValueId cast = m.b.node("Cast", {last}, {{"to", static_cast<int64_t>(DataType::kInt64)}});
  const ValueId target = m.b.node("Concat", {m.list({-1}), cast}, {{"axis", int64_t{0}}});
  EXPECT_EQ(m.type_of(m.b.node("Reshape", {m.x, target})), "float32[?,4,5]");
}

TEST(ShapeArithmetic, WhatIsLeftOfTheBatchIsTheBatch) {
  ShapeMath m;
  EXPECT_EQ(m.type_of(m.b.node("Reshape", {m.x, m.list({-1, 60})})), "float32[N,60]");
  EXPECT_EQ(m.type_of(m.b.node("Reshape", {m.x, m.list({0, 0, -1})})), "float32[N,3,20]");
  EXPECT_EQ(m.type_of(m.b.node("Flatten", {m.x})), "float32[N,60]");
}

TEST(ShapeArithmetic, ExpandToAComputedShape) {
  ShapeMath m;
  const ValueId tail = m.b.node("Slice", {m.shape, m.list({1}), m.list({std::numeric_limits<int64_t>::max()})});
  const ValueId target = m.b.node("Concat", {m.list({7}), tail}, {{"axis", int64_t{0}}});
  const ValueId y = m.b.input("y", {1, 1, 1, 1});
  EXPECT_EQ(m.type_of(m.b.node("Expand", {y, target})), "float32[7,3,4,5]");
}

TEST(ShapeArithmetic, ResizeToAComputedSize) {
  ShapeMath m;
  const ValueId front = m.b.node("Slice", {m.shape, m.list({0}), m.list({2})});
  const ValueId sizes = m.b.node("Concat", {front, m.list({8, 9})}, {{"axis", int64_t{0}}});
  EXPECT_EQ(m.type_of(m.b.node("Resize", {m.x, kNoValue, kNoValue, sizes})), "float32[N,3,8,9]");
}

TEST(ShapeArithmetic, ReshapeThatDoesNotFitNamesBothShapes) {
  ShapeMath m;
  const ValueId y = m.b.input("y", {2, 3});
  try {
    m.type_of(m.b.node("Reshape", {y, m.list({4, -1})}));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("has shape [2,3], which does not fit [4,?]"), std::string::npos)
        << error.what();
  }
}

TEST(ShapeArithmetic, SlicesOfOpenAxes) {
  ShapeMath m;
  const ValueId whole = m.b.node("Slice", {m.x, m.list({0}), m.list({std::numeric_limits<int64_t>::max()})});
  EXPECT_EQ(m.type_of(whole), "float32[N,3,4,5]");
  const ValueId every_other = m.b.node("Slice", {m.x, m.list({-1}), m.list({-6}), m.list({3}), m.list({-2})});
  EXPECT_EQ(m.type_of(every_other), "float32[N,3,4,3]");
}

TEST(ShapeArithmetic, ConcatAlongTheOpenAxisIsOpen) {
  ShapeMath m;
  EXPECT_EQ(m.type_of(m.b.node("Concat", {m.x, m.x}, {{"axis", int64_t{1}}})), "float32[N,6,4,5]");
  EXPECT_EQ(m.type_of(m.b.node("Concat", {m.x, m.x}, {{"axis", int64_t{0}}})), "float32[?,3,4,5]");
}

}  // namespace
}  // namespace tinyc::testing
