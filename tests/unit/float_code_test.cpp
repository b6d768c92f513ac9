// Device programs of float graphs against the float engine: the same numbers but for the order of sums. And nodes that
// stay in float between values on grids.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tinyc/code/program.h"
#include "unit/run_graph.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

using Ints = std::vector<int64_t>;

std::vector<Tensor> inputs_of(const Graph& graph) {
  std::vector<Tensor> inputs;
  for (ValueId id : graph.inputs) {
    inputs.push_back(GraphBuilder::random_tensor(*graph[id].type.shape.known_dims(), 3.0F, inputs.size() + 7));
  }
  return inputs;
}

void expect_float_agrees(const Graph& graph, float tolerance = 2e-6F) {
  const std::vector<Tensor> inputs = inputs_of(graph);
  const auto expected = run(graph, Engine::kFloat, inputs);
  const auto actual = run(graph, Engine::kInteger, inputs);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(actual[i].dims(), expected[i].dims());
    const auto want = expected[i].data<float>();
    const auto got = actual[i].data<float>();
    float most = 1e-3F;
    for (float value : want) most = std::max(most, std::abs(value));
    for (size_t k = 0; k < want.size(); ++k) ASSERT_NEAR(got[k], want[k], most * tolerance) << "element " << k;
  }
}

Shape shape_of(const Dims& dims) {
  Shape shape;
  for (int64_t dim : dims) shape.push_back(dim);
  return shape;
}

void expect_unary_agrees(const std::string& op, const Dims& dims, AttributeList attributes = {}) {
  GraphBuilder b;
  const ValueId x = b.input("x", shape_of(dims));
  expect_float_agrees(b.finish({b.node(op, {x}, std::move(attributes))}));
}

void expect_binary_agrees(const std::string& op, const Dims& x, const Dims& y) {
  GraphBuilder b;
  const ValueId first = b.input("x", shape_of(x));
  const ValueId second = b.input("y", shape_of(y));
  expect_float_agrees(b.finish({b.node(op, {first, second})}));
}

TEST(FloatCode, FunctionsOfOneOperand) {
  for (const char* op :
       {"Relu", "LeakyRelu", "Abs", "Neg", "HardSigmoid", "HardSwish", "Exp", "Tanh", "Sigmoid", "Erf", "Softplus",
        "Elu", "Softsign", "Reciprocal", "Gelu", "com.microsoft.Gelu", "com.microsoft.QuickGelu"}) {
    SCOPED_TRACE(op);
    expect_unary_agrees(op, {1, 3, 4, 5});
  }
  expect_unary_agrees("Gelu", {1, 7}, {{"approximate", std::string("tanh")}});
}

TEST(FloatCode, RootsAndLogarithms) {
  GraphBuilder b;
  const ValueId x = b.node("Abs", {b.input("x", {2, 9})});
  expect_float_agrees(b.finish({b.node("Sqrt", {x}), b.node("Log", {x})}));
}

TEST(FloatCode, Arithmetic) {
  for (const char* op : {"Add", "Sub", "Mul", "Div", "Min", "Max"}) {
    SCOPED_TRACE(op);
    expect_binary_agrees(op, {1, 3, 4, 5}, {1, 3, 4, 5});
    expect_binary_agrees(op, {1, 3, 4, 5}, {3, 1, 1});
    expect_binary_agrees(op, {5}, {2, 3, 4, 5});
    expect_binary_agrees(op, {1, 3, 1, 5}, {2, 1, 4, 1});
    expect_binary_agrees(op, {2, 3}, {1});
  }
}

TEST(FloatCode, Powers) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 9});
  const ValueId squares = b.node("Pow", {x, b.constant("two", Tensor::scalar(2.0F))});
  expect_float_agrees(b.finish({b.node("Pow", {squares, b.constant("e", Tensor::scalar(0.7F))})}));
}

TEST(FloatCode, ChannelsHaveSlopesScalesAndMoments) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 4, 5});
  const ValueId slopes = b.node("PRelu", {x, b.random("slope", {3, 1, 1})});
  const ValueId positive = b.constant("variance", {3}, {0.5F, 1.0F, 2.0F});
  expect_float_agrees(b.finish({b.node("BatchNormalization", {slopes, b.random("scale", {3}), b.random("bias", {3}),
                                                              b.random("mean", {3}), positive})}));
}

TEST(FloatCode, Convolutions) {
  for (const int64_t group : {int64_t{1}, int64_t{2}, int64_t{4}}) {
    SCOPED_TRACE(group);
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 4, 7, 6});
    const ValueId conv = b.node("Conv", {x, b.random("w", {8, 4 / group, 3, 2}), b.random("b", {8})},
                                {{"group", group}, {"strides", Ints{2, 1}}, {"pads", Ints{1, 0, 1, 1}}});
    const ValueId limits = b.node("Relu", {conv});
    expect_float_agrees(b.finish({b.node("Conv", {limits, b.random("v", {5, 8, 2, 2})}, {{"dilations", Ints{1, 2}}})}));
  }
}

TEST(FloatCode, Products) {
  GraphBuilder b;
  const ValueId x = b.input("x", {2, 3, 4, 5});
  const ValueId y = b.input("y", {2, 3, 5, 6});
  const ValueId product = b.node("MatMul", {x, y});
  const ValueId weighted = b.node("MatMul", {product, b.random("w", {6, 2})});
  const ValueId rows = b.node("Reshape", {weighted, b.constant("dims", Tensor::of<int64_t>({2}, Ints{8, 6}))});
  const ValueId turned = b.node("Gemm", {rows, b.random("v", {8, 3}), b.random("c", {1, 3})},
                                {{"transA", int64_t{1}}, {"alpha", 0.5F}, {"beta", 2.0F}});
  expect_float_agrees(b.finish({turned, product}));
}

TEST(FloatCode, Pools) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 7, 6});
  const AttributeList window = {{"kernel_shape", Ints{3, 2}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 0, 1, 1}}};
  const ValueId largest = b.node("MaxPool", {x}, window);
  const ValueId mean = b.node("AveragePool", {x}, window);
  AttributeList counting = window;
  counting["count_include_pad"] = int64_t{1};
  const ValueId padded = b.node("AveragePool", {x}, counting);
  expect_float_agrees(b.finish(
      {b.node("Concat", {largest, mean, padded}, {{"axis", int64_t{1}}}), b.node("GlobalAveragePool", {largest})}));
}

TEST(FloatCode, RowsAndReductions) {
  for (const int64_t axis : {int64_t{1}, int64_t{2}, int64_t{-1}}) {
    SCOPED_TRACE(axis);
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 3, 4, 5});
    const ValueId axes = b.constant("axes", Tensor::of<int64_t>({1}, Ints{axis}));
    expect_float_agrees(b.finish({b.node("Softmax", {x}, {{"axis", axis}}), b.node("LogSoftmax", {x}, {{"axis", axis}}),
                                  b.node("ReduceMean", {x, axes})}));
  }
}

TEST(FloatCode, ImagesAreTransposedWhereRowsAreWanted) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 4, 5});
  const ValueId conv = b.node("Conv", {x, b.random("w", {6, 3, 1, 1})});
  const ValueId turned = b.node("Transpose", {conv}, {{"perm", Ints{0, 3, 1, 2}}});
  const ValueId flat = b.node("Flatten", {turned});
  expect_float_agrees(b.finish({b.node("Gemm", {flat, b.random("v", {120, 4})}), turned}));
}

// Kind, operands W and R, and what follows them.
ValueId recurrent(GraphBuilder& b, const std::string& op, ValueId x, int64_t directions, AttributeList attributes,
                  std::vector<ValueId> more = {}) {
  const int64_t rows = (op == "LSTM" ? 4 : 3) * 5;
  std::vector<ValueId> inputs = {x, b.random("w", {directions, rows, 4}), b.random("r", {directions, rows, 5}),
                                 b.random("b", {directions, 2 * rows})};
  inputs.insert(inputs.end(), more.begin(), more.end());
  attributes["hidden_size"] = int64_t{5};
  return b.node(op, std::move(inputs), std::move(attributes));
}

TEST(FloatCode, RecurrentLayers) {
  for (const char* op : {"LSTM", "GRU"}) {
    for (const char* direction : {"forward", "reverse", "bidirectional"}) {
      SCOPED_TRACE(std::string(op) + " " + direction);
      const int64_t directions = std::string(direction) == "bidirectional" ? 2 : 1;
      GraphBuilder b;
      const ValueId x = b.input("x", {7, 1, 4});
      const ValueId all = recurrent(b, op, x, directions, {{"direction", std::string(direction)}});
      const ValueId first = b.node("Transpose", {all}, {{"perm", Ints{1, 0, 2, 3}}});
      expect_float_agrees(b.finish({all, b.node("Tanh", {first})}));
    }
  }
}

TEST(FloatCode, RecurrentStatesGoInAndOut) {
  GraphBuilder b;
  const ValueId x = b.input("x", {7, 1, 4});
  const ValueId h = b.input("h", {1, 1, 5});
  const ValueId c = b.input("c", {1, 1, 5});
  recurrent(b, "LSTM", x, 1, {}, {kNoValue, h, c});
  Graph graph = b.finish({});
  for (const char* name : {"last_h", "last_c"}) {
    Value value;
    value.name = name;
    graph.nodes[0].outputs.push_back(graph.add_value(std::move(value)));
  }
  graph.outputs = {graph.nodes[0].outputs[2], graph.nodes[0].outputs[1]};
  infer_types(graph);
  expect_float_agrees(graph);
}

TEST(FloatCode, ResetGateBeforeOrAfterTheSum) {
  for (const int64_t linear : {0, 1}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {7, 1, 4});
    expect_float_agrees(b.finish({recurrent(b, "GRU", x, 1, {{"linear_before_reset", linear}})}));
  }
}

TEST(FloatCode, RecurrentWeightsStayInIntegers) {
  for (const char* op : {"LSTM", "GRU"}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {7, 1, 4});
    Graph graph = quantized(b.finish({recurrent(b, op, x, 2, {{"direction", std::string("bidirectional")}})}));
    graph[graph.inputs[0]].quant.reset();
    graph[graph.outputs[0]].quant.reset();
    const DeviceProgram program = make_device_program(graph);
    const auto bytes = std::count_if(program.constants.begin(), program.constants.end(),
                                     [](const DeviceConstant& c) { return c.data.dtype() == DataType::kInt8; });
    EXPECT_EQ(bytes, 4);
    const std::vector<Tensor> inputs = inputs_of(graph);
    const auto expected = run(graph, Engine::kSimulated, inputs);
    const auto actual = run(graph, Engine::kInteger, inputs);
    const auto want = expected[0].data<float>();
    const auto got = actual[0].data<float>();
    for (size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 3e-6F) << i;
  }
}

TEST(FloatCode, GridsOfSixteenBitsAreFloats) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 6});
  QuantizationSettings settings;
  settings.activations = DataType::kInt16;
  const Graph graph = quantized(b.finish({b.node("Gemm", {x, b.random("w", {6, 4}), b.random("b", {4})})}), settings);
  const std::vector<Tensor> inputs = random_sample(graph, 200);  // one that grids were chosen from
  const auto want = run(graph, Engine::kSimulated, inputs)[0].to_float();
  const auto got = run(graph, Engine::kInteger, inputs)[0].to_float();
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-3F) << i;
}

TEST(FloatCode, LayerNormalization) {
  GraphBuilder b;
  const ValueId x = b.input("x", {2, 3, 8});
  const ValueId last = b.node("LayerNormalization", {x, b.random("s", {8}), b.random("t", {8})});
  expect_float_agrees(b.finish({b.node("LayerNormalization", {last, b.random("u", {3, 8})}, {{"axis", int64_t{1}}})}));
}

TEST(FloatCode, BytesPickRows) {
  GraphBuilder b;
  const ValueId bytes = b.input("x", {1, 6}, DataType::kUint8);
  const ValueId numbers = b.node("Cast", {bytes}, {{"to", int64_t{7}}});
  const Graph graph = b.finish({b.node("Gather", {b.random("table", {256, 3}), numbers})});
  const std::vector<Tensor> inputs = {Tensor::of<uint8_t>({1, 6}, std::vector<uint8_t>{0, 255, 7, 7, 128, 1})};
  const auto expected = run(graph, Engine::kFloat, inputs);
  const auto actual = run(graph, Engine::kInteger, inputs);
  EXPECT_TRUE(actual[0].same_bytes(expected[0]));
}

// x on a grid, a function that stays in float, and its result on a grid again.
TEST(FloatCode, FloatsBetweenGrids) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 4, 5});
  const ValueId y = b.input("y", {1, 3, 4, 5});
  const ValueId quotient = b.node("Div", {x, b.node("Exp", {y})});
  const ValueId result = b.node("Relu", {quotient});
  Graph graph = b.finish({result});
  QParams params;
  params.storage = DataType::kInt8;
  params.q_min = -128;
  params.q_max = 127;
  params.scales = {0.05F};
  params.zero_points = {3};
  graph[x].quant = params;
  params.scales = {0.5F};
  params.zero_points = {-20};
  graph[result].quant = params;
  const std::vector<Tensor> inputs = inputs_of(graph);
  const auto expected = run(graph, Engine::kSimulated, inputs);
  const auto actual = run(graph, Engine::kInteger, inputs);
  const auto want = expected[0].data<float>();
  const auto got = actual[0].data<float>();
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-6F) << i;
  const DeviceProgram program = make_device_program(graph);
  EXPECT_EQ(program.inputs[0].dtype, DataType::kInt8);
  EXPECT_EQ(program.inputs[1].dtype, DataType::kFloat);
  EXPECT_EQ(program.outputs[0].dtype, DataType::kInt8);
}

}  // namespace
}  // namespace tinyc::testing
