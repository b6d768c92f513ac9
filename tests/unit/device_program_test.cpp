// Device programs against the simulated engine: every op that has kernels, on odd shapes. The two round differently
// near ties, so results may be one step of the result's grid apart, in few elements.
#include <gtest/gtest.h>

#include <cmath>

#include "tinyc/code/program.h"
#include "unit/run_graph.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

using Ints = std::vector<int64_t>;

ValueId ints(GraphBuilder& b, const std::string& name, const Ints& values) {
  return b.constant(name, Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
}

// Ops that only move elements stay in float unless a neighbour computes in integers.
ValueId lively(GraphBuilder& b, const std::string& name, Dims dims) {
  Shape shape;
  for (int64_t dim : dims) shape.push_back(dim);
  return b.node("LeakyRelu", {b.input(name, shape)}, {{"alpha", 0.5F}});
}

constexpr double kFew = 0.05;
constexpr double kMany = 0.3;  // weights of a quarter give ties, which the two round differently

void expect_same(const Graph& graph, const Tensor& expected, const Tensor& actual, ValueId output, double off_by_one) {
  ASSERT_EQ(actual.dims(), expected.dims());
  const auto* params = graph[output].quant ? std::get_if<QParams>(&*graph[output].quant) : nullptr;
  if (params == nullptr) {
    ASSERT_EQ(actual.dtype(), expected.dtype());
    EXPECT_TRUE(actual.same_bytes(expected));
    return;
  }
  const auto want = expected.data<float>();
  const auto got = actual.data<float>();
  size_t off = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const float steps = (got[i] - want[i]) / params->scales[0];
    ASSERT_LE(std::abs(steps), 1.001F) << "element " << i << ": " << got[i] << " for " << want[i];
    if (std::abs(steps) > 0.5F) ++off;
  }
  EXPECT_LE(static_cast<double>(off), off_by_one * static_cast<double>(want.size())) << "of " << want.size();
}

// A graph as it is after annotation and packing.
void expect_integer_engine_agrees(const Graph& graph, double off_by_one = kFew) {
  for (uint64_t seed : {1U, 2U, 3U}) {
    const Sample sample = random_sample(graph, seed);
    const auto expected = run(graph, Engine::kSimulated, sample);
    const auto actual = run(graph, Engine::kInteger, sample);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      expect_same(graph, expected[i], actual[i], graph.outputs[i], off_by_one);
    }
  }
}

void expect_device_agrees(const Graph& graph, double off_by_one = kFew) {
  expect_integer_engine_agrees(quantized(graph), off_by_one);
}

// Lets a value keep a grid of its own, as models that other tools quantized have it.
void regrid(Graph& graph, ValueId id, float factor, int32_t move) {
  QParams params = std::get<QParams>(*graph[id].quant);
  params.scales[0] *= factor;
  params.zero_points[0] += move;
  graph[id].quant = params;
}

struct MovementCase {
  std::string name;
  Dims dims;
  std::function<ValueId(GraphBuilder&, ValueId)> make;
};

class MovementTest : public ::testing::TestWithParam<MovementCase> {};

TEST_P(MovementTest, GivesTheSame) {
  GraphBuilder b;
  const ValueId x = lively(b, "x", GetParam().dims);
  const ValueId y = GetParam().make(b, x);
  const ValueId sum = b.node("Sigmoid", {y});
  expect_device_agrees(b.finish({y, sum}), GetParam().name.starts_with("ResizeLinear") ? kMany : 0.0);
}

AttributeList mode(const std::string& name) {
  return {{"mode", name}};
}

ValueId resize(GraphBuilder& b, ValueId x, const std::vector<float>& scales, AttributeList attributes) {
  return b.node("Resize", {x, kNoValue, b.constant("scales", {static_cast<int64_t>(scales.size())}, scales)},
                std::move(attributes));
}

const MovementCase kMovements[] = {
    {"Slice",
     {1, 5, 6, 7},
     [](GraphBuilder& b, ValueId x) {
       return b.node("Slice",
                     {x, ints(b, "s", {1, 0}), ints(b, "e", {5, 6}), ints(b, "a", {1, 3}), ints(b, "t", {2, 3})});
     }},
    {"SliceBackwards",
     {1, 5, 6, 7},
     [](GraphBuilder& b, ValueId x) {
       return b.node("Slice", {x, ints(b, "s", {-1}), ints(b, "e", {-100}), ints(b, "a", {2}), ints(b, "t", {-1})});
     }},
    {"SliceRows",
     {3, 9},
     [](GraphBuilder& b, ValueId x) {
       return b.node("Slice", {x, ints(b, "s", {1}), ints(b, "e", {8}), ints(b, "a", {1})});
     }},
    {"Gather",
     {1, 5, 6, 7},
     [](GraphBuilder& b, ValueId x) {
       return b.node("Gather", {x, ints(b, "i", {0, 3, 1})}, {{"axis", int64_t{2}}});
     }},
    {"GatherScalar",
     {4, 5, 6},
     [](GraphBuilder& b, ValueId x) {
       return b.node("Gather", {x, b.constant("i", Tensor::scalar<int64_t>(2))}, {{"axis", int64_t{1}}});
     }},
    {"GatherElements",
     {3, 4},
     [](GraphBuilder& b, ValueId x) {
       return b.node("GatherElements", {x, b.constant("i", Tensor::of<int64_t>({2, 3}, Ints{0, 2, 1, 1, 0, 2}))});
     }},
    {"PadConstant",
     {1, 3, 4, 5},
     [](GraphBuilder& b, ValueId x) {
       return b.node("Pad", {x, ints(b, "p", {0, 1, 2, 0, 0, 0, -1, 3}), b.constant("v", Tensor::scalar(0.25F))});
     }},
    {"PadReflect",
     {1, 3, 4, 5},
     [](GraphBuilder& b, ValueId x) {
       return b.node("Pad", {x, ints(b, "p", {0, 0, 2, 1, 0, 0, 3, 2})}, mode("reflect"));
     }},
    {"PadReflectCut",
     {1, 3, 4, 5},
     [](GraphBuilder& b, ValueId x) {
       return b.node("Pad", {x, ints(b, "p", {0, 0, 2, -1, 0, 0, 1, 2})}, mode("reflect"));
     }},
    {"PadEdge",
     {2, 5},
     [](GraphBuilder& b, ValueId x) {
       return b.node("Pad", {x, ints(b, "p", {0, 2, 1, 1})}, mode("edge"));
     }},
    {"PadFiveAxes",
     {1, 2, 3, 2, 3},
     [](GraphBuilder& b, ValueId x) {
       return b.node("Pad",
                     {x, ints(b, "p", {1, 0, 1, 0, 1, 0, 1, 0, 1, 0}), b.constant("v", Tensor::scalar(-0.125F))});
     }},
    {"DepthToSpace",
     {1, 12, 3, 5},
     [](GraphBuilder& b, ValueId x) {
       return b.node("DepthToSpace", {x}, {{"blocksize", int64_t{2}}});
     }},
    {"DepthToSpaceColumns",
     {1, 18, 3, 2},
     [](GraphBuilder& b, ValueId x) {
       return b.node("DepthToSpace", {x}, {{"blocksize", int64_t{3}}, {"mode", std::string("CRD")}});
     }},
    {"SpaceToDepth",
     {1, 3, 6, 4},
     [](GraphBuilder& b, ValueId x) {
       return b.node("SpaceToDepth", {x}, {{"blocksize", int64_t{2}}});
     }},
    {"Expand",
     {1, 3, 1, 5},
     [](GraphBuilder& b, ValueId x) {
       return b.node("Expand", {x, ints(b, "d", {1, 3, 4, 5})});
     }},
    {"Tile",
     {1, 3, 2, 5},
     [](GraphBuilder& b, ValueId x) {
       return b.node("Tile", {x, ints(b, "r", {1, 2, 3, 1})});
     }},
    {"Trilu", {4, 5}, [](GraphBuilder& b, ValueId x) { return b.node("Trilu", {x}); }},
    {"ResizeNearest",
     {1, 3, 4, 5},
     [](GraphBuilder& b, ValueId x) {
       return resize(b, x, {1, 1, 2, 3}, mode("nearest"));
     }},
    {"ResizeNearestFraction",
     {1, 3, 7, 5},
     [](GraphBuilder& b, ValueId x) {
       return resize(b, x, {1, 1, 1.7F, 0.6F}, mode("nearest"));
     }},
    {"ResizeLinear",
     {1, 3, 4, 5},
     [](GraphBuilder& b, ValueId x) {
       return resize(b, x, {1, 1, 2, 3}, mode("linear"));
     }},
    {"ResizeLinearCorners",
     {1, 3, 4, 5},
     [](GraphBuilder& b, ValueId x) {
       return b.node(
           "Resize", {x, kNoValue, kNoValue, ints(b, "sizes", {1, 3, 7, 3})},
           {{"mode", std::string("linear")}, {"coordinate_transformation_mode", std::string("align_corners")}});
     }},
    {"ResizeLinearOneAxis",
     {1, 3, 9},
     [](GraphBuilder& b, ValueId x) {
       return resize(b, x, {1, 1, 1.5F}, mode("linear"));
     }},
};

INSTANTIATE_TEST_SUITE_P(All, MovementTest, ::testing::ValuesIn(kMovements),
                         [](const auto& given) { return given.param.name; });

TEST(DeviceProgram, SplitGivesAllParts) {
  GraphBuilder b;
  const ValueId x = lively(b, "x", {1, 7, 3, 2});
  const ValueId sizes = ints(b, "sizes", {2, 1, 4});
  Graph graph = b.finish({});
  Node split;
  split.op = find_op("", "Split");
  split.name = "split";
  split.inputs = {x, sizes};
  split.attributes = {{"axis", int64_t{1}}};
  for (const char* name : {"first", "second", "third"}) {
    Value value;
    value.name = name;
    split.outputs.push_back(graph.add_value(std::move(value)));
  }
  graph.outputs = split.outputs;
  graph.nodes.push_back(split);
  infer_types(graph);
  expect_device_agrees(graph);
}

TEST(DeviceProgram, OperandsOnOtherGridsAreMoved) {
  GraphBuilder b;
  const ValueId x = lively(b, "x", {1, 4, 5, 3});
  const ValueId y = lively(b, "y", {1, 2, 5, 3});
  const ValueId joined = b.node("Concat", {x, y}, {{"axis", int64_t{1}}});
  const ValueId flat = b.node("Reshape", {joined, ints(b, "shape", {6, 15})});
  const ValueId moved = b.node("Transpose", {flat});
  const ValueId pooled = b.node("MaxPool", {joined}, {{"kernel_shape", Ints{2, 2}}});
  const ValueId part = b.node("Slice", {moved, ints(b, "s", {2}), ints(b, "e", {12})});
  Graph graph = quantized(b.finish({part, pooled}));
  float factor = 1.0F;
  for (const char* name : {"Concat", "Reshape", "Transpose", "MaxPool", "Slice"}) {
    for (const Node& node : graph.nodes) {
      if (node.op->name == name) regrid(graph, node.outputs[0], factor *= 0.93F, 3);
    }
  }
  // Moved twice, so rounded twice: only that nothing is refused, and results stay close.
  const Sample sample = random_sample(graph, 4);
  const auto expected = run(graph, Engine::kSimulated, sample);
  const auto actual = run(graph, Engine::kInteger, sample);
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto a = expected[i].data<float>(), c = actual[i].data<float>();
    for (size_t k = 0; k < a.size(); ++k) EXPECT_NEAR(a[k], c[k], 0.02F);
  }
}

// The result's grid made so fine that a product is more than a quarter of its step.
TEST(DeviceProgram, ProductsCoarserThanTheResult) {
  for (const float factor : {60.0F, 400.0F, 3000.0F}) {
    for (const int64_t kernel : {1, 3}) {
      for (const int64_t group : {1, 4}) {
        GraphBuilder b;
        const ValueId x = b.input("x", {1, 4, 5, 6});
        const ValueId y = b.node("Conv", {x, b.random("w", {8, 4 / group, kernel, kernel}, 0.4F), b.random("c", {8})},
                                 {{"group", group}, {"pads", Ints(4, kernel / 2)}});
        Graph graph = quantized(b.finish({y}));
        regrid(graph, y, 1 / factor, 5);
        expect_integer_engine_agrees(graph);
      }
    }
    GraphBuilder b;
    const ValueId y = b.node("MatMul", {b.input("x", {3, 7}), b.random("w", {7, 5})});
    Graph graph = quantized(b.finish({y}));
    regrid(graph, y, 1 / factor, -5);
    expect_integer_engine_agrees(graph);
  }
}

TEST(DeviceProgram, TransposedConvolutions) {
  struct Case {
    int64_t kernel, stride, dilation, pad, extra, group;
  };
  for (const Case& c :
       {Case{2, 2, 1, 0, 0, 1}, Case{3, 2, 1, 1, 1, 1}, Case{4, 2, 1, 1, 0, 2}, Case{3, 1, 1, 1, 0, 1},
        Case{2, 3, 1, 0, 1, 1}, Case{3, 2, 2, 1, 0, 1}, Case{3, 4, 3, 2, 0, 4}, Case{5, 2, 1, 2, 1, 4}}) {
    SCOPED_TRACE(std::to_string(c.kernel) + " " + std::to_string(c.stride) + " " + std::to_string(c.dilation));
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 4, 5, 3});
    const ValueId y = b.node("ConvTranspose",
                             {x, b.random("w", {4, 8 / c.group, c.kernel, c.kernel}, 0.4F), b.random("c", {8}, 0.3F)},
                             {{"group", c.group},
                              {"strides", Ints(2, c.stride)},
                              {"dilations", Ints(2, c.dilation)},
                              {"pads", Ints(4, c.pad)},
                              {"output_padding", Ints(2, c.extra)}});
    expect_device_agrees(b.finish({b.node("Relu", {y})}));
  }
  GraphBuilder b;
  const ValueId y =
      b.node("ConvTranspose", {b.input("x", {1, 3, 7}), b.random("w", {3, 2, 4})}, {{"strides", Ints{2}}});
  expect_device_agrees(b.finish({y}));
}

TEST(DeviceProgram, Reductions) {
  for (const char* op : {"ReduceMax", "ReduceMin", "ReduceSum", "ReduceMean"}) {
    for (const Ints& axes : {Ints{2, 3}, Ints{1}, Ints{3}, Ints{1, 3}, Ints{0, 1, 2, 3}}) {
      for (const int64_t keep : {0, 1}) {
        SCOPED_TRACE(std::string(op) + " of " + std::to_string(axes.size()) + " axes");
        GraphBuilder b;
        const ValueId x = lively(b, "x", {1, 5, 4, 3});
        expect_device_agrees(b.finish({b.node(op, {x, ints(b, "axes", axes)}, {{"keepdims", keep}})}));
      }
    }
  }
  for (const char* op : {"GlobalMaxPool", "GlobalAveragePool"}) {
    GraphBuilder b;
    expect_device_agrees(b.finish({b.node(op, {lively(b, "x", {1, 19, 5, 3})})}));
  }
}

TEST(DeviceProgram, SlopesOfChannels) {
  for (const Dims& slope : {Dims{5, 1, 1}, Dims{1, 5, 1, 1}, Dims{1}, Dims{1, 1, 1}}) {
    for (const float scale : {0.5F, 3.0F}) {
      GraphBuilder b;
      const ValueId x = lively(b, "x", {1, 5, 7, 3});
      const Graph graph = quantized(b.finish({b.node("PRelu", {x, b.random("slope", slope, scale)})}));
      expect_integer_engine_agrees(graph);
      EXPECT_EQ(make_device_program(graph).calls.back().kernel->name, "tc_prelu_s8");
    }
  }
}

TEST(DeviceProgram, IndicesOfExtremes) {
  for (const char* op : {"ArgMax", "ArgMin"}) {
    for (const int64_t axis : {1, 2, 3}) {
      for (const int64_t last : {0, 1}) {
        GraphBuilder b;
        const ValueId x = lively(b, "x", {1, 5, 40, 3});
        const ValueId y = b.node(op, {x}, {{"axis", axis}, {"select_last_index", last}, {"keepdims", last}});
        expect_device_agrees(b.finish({y}));
      }
    }
  }
}

TEST(DeviceProgram, RepeatedOperands) {
  const std::pair<Dims, Dims> kDims[] = {
      {{1, 5, 4, 3}, {1, 5, 4, 3}},
      {{1, 5, 4, 3}, {1, 5, 1, 1}},
      {{1, 5, 4, 3}, {1, 1, 4, 3}},
      {{1, 5, 4, 3}, {3}},
      {{1, 5, 4, 3}, {5, 1, 1}},
      {{1, 5, 4, 3}, {1, 1, 1, 1}},
      {{4, 1}, {1, 6}},
      {{1, 5, 4, 1}, {1, 1, 1, 7}},
      {{1, 1, 4, 3}, {1, 5, 4, 3}},
      {{7}, {2, 3, 7}},
  };
  for (const char* op : {"Add", "Sub", "Mul", "Min", "Max"}) {
    for (const auto& [first, second] : kDims) {
      for (const int constant : {0, 1, 2}) {
        SCOPED_TRACE(std::string(op) + " of ranks " + std::to_string(first.size()) + " and " +
                     std::to_string(second.size()) + ", constant " + std::to_string(constant));
        GraphBuilder b;
        const ValueId x = constant == 1 ? b.random("x", first) : lively(b, "x", first);
        const ValueId y = constant == 2 ? b.random("y", second) : lively(b, "y", second);
        expect_device_agrees(b.finish({b.node(op, {x, y})}));
      }
    }
  }
}

TEST(DeviceProgram, ScalarsMakeTables) {
  for (const char* op : {"Add", "Sub", "Mul", "Min", "Max"}) {
    for (const bool first : {false, true}) {
      GraphBuilder b;
      const ValueId x = lively(b, "x", {1, 5, 4, 3});
      const ValueId c = b.constant("c", Tensor::scalar(0.4F));
      Graph graph = quantized(b.finish({b.node(op, first ? std::vector{c, x} : std::vector{x, c})}));
      expect_integer_engine_agrees(graph);
      EXPECT_EQ(make_device_program(graph).calls.back().kernel->name, "tc_table_s8");
    }
  }
}

TEST(DeviceProgram, OpsOfManyOperands) {
  for (const char* op : {"Max", "Min"}) {
    GraphBuilder b;
    const ValueId x = lively(b, "x", {1, 5, 4}), y = lively(b, "y", {1, 5, 4}), z = lively(b, "z", {4});
    expect_device_agrees(b.finish({b.node(op, {x, y, z})}));
  }
  for (const char* op : {"Sum", "Mean"}) {
    GraphBuilder b;
    const ValueId x = lively(b, "x", {1, 5, 4}), y = lively(b, "y", {1, 5, 4});
    expect_device_agrees(b.finish({b.node(op, {x, y})}));
  }
}

}  // namespace
}  // namespace tinyc::testing
