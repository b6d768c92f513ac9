// Lowering to QOperator form, and back: lower -> export -> import -> expand -> lift gives the same model.
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "tinyc/emit/lower.h"
#include "tinyc/ir/verify.h"
#include "tinyc/onnx/export.h"
#include "tinyc/onnx/import.h"
#include "tinyc/ops/qlinear.h"
#include "unit/run_graph.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

Graph reimported(const Graph& graph) {
  Graph result = import_model_bytes(export_model(graph));
  infer_types(result);
  return result;
}

Graph lifted(Graph graph) {
  PassContext context;
  run_pass(graph, "expand-qoperators", context);
  verify(graph);
  run_pass(graph, "lift-quantization", context);
  run_pass(graph, "fold-constants", context);
  verify(graph);
  return graph;
}

// The grid's limits within the storage type are not written to a file.
using Annotation = std::tuple<DataType, int, std::vector<float>, std::vector<int32_t>>;
std::map<std::string, Annotation> annotations(const Graph& graph) {
  std::map<std::string, Annotation> result;
  for (const Value& value : graph.values) {
    if (!value.quant) continue;
    const auto& params = std::get<QParams>(*value.quant);
    result[value.name] = {params.storage, params.axis, params.scales, params.zero_points};
  }
  return result;
}

struct Case {
  std::string name;
  Graph (*graph)();
  QuantizationSettings settings;
};

std::vector<Case> cases() {
  QuantizationSettings per_tensor, unsigned_bytes, symmetric;
  per_tensor.per_channel = false;
  unsigned_bytes.activations = DataType::kUint8;
  symmetric.symmetric_activations = true;
  std::vector<Case> all;
  for (const auto& [name, graph] : std::vector<std::pair<std::string, Graph (*)()>>{
           {"separable", separable_convolutions}, {"classifier", classifier}, {"branches", branches}}) {
    all.push_back({name + "_per_channel", graph, {}});
    all.push_back({name + "_per_tensor", graph, per_tensor});
    all.push_back({name + "_uint8", graph, unsigned_bytes});
    all.push_back({name + "_symmetric", graph, symmetric});
  }
  return all;
}

class QOperatorTest : public ::testing::TestWithParam<Case> {};

TEST_P(QOperatorTest, ComesBackWithTheSameAnnotations) {
  const Graph original = quantized(GetParam().graph(), GetParam().settings);
  const Graph lowered = lower_to_qoperator(original);
  verify(lowered);
  EXPECT_EQ(annotations(lifted(reimported(lowered))), annotations(original));
}

TEST_P(QOperatorTest, ComesBackWithTheSameBits) {
  const Graph original = quantized(GetParam().graph(), GetParam().settings);
  const Graph back = lifted(reimported(lower_to_qoperator(original)));
  const Sample sample = random_sample(original, 7);
  const std::vector<Tensor> expected = run(original, Engine::kSimulated, sample),
                            actual = run(back, Engine::kSimulated, sample);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(actual[i].same_bytes(expected[i])) << "output " << i;
}

TEST_P(QOperatorTest, WritesTheSameFileAgain) {
  const Graph original = quantized(GetParam().graph(), GetParam().settings);
  const std::string once = export_model(lower_to_qoperator(original));
  EXPECT_EQ(export_model(lower_to_qoperator(lifted(import_model_bytes(once)))), once);
}

// The integer operators as they stand, with integer sums, against the float operators on the grid.
TEST_P(QOperatorTest, IntegerOperatorsAreAStepApartAtMost) {
  const Graph original = quantized(GetParam().graph(), GetParam().settings);
  const Graph lowered = reimported(lower_to_qoperator(original));
  const Sample sample = random_sample(original, 11);
  const std::vector<Tensor> expected = run(original, Engine::kSimulated, sample),
                            actual = run(lowered, Engine::kSimulated, sample);
  const QParams* params = nullptr;
  const Value& output = original[original.outputs[0]];
  if (output.quant) params = &std::get<QParams>(*output.quant);
  ASSERT_NE(params, nullptr);
  for (size_t i = 0; i < expected[0].data<float>().size(); ++i) {
    EXPECT_NEAR(actual[0].data<float>()[i], expected[0].data<float>()[i], 1.01F * params->scales[0]);
  }
}

INSTANTIATE_TEST_SUITE_P(Graphs, QOperatorTest, ::testing::ValuesIn(cases()),
                         [](const auto& param_info) { return param_info.param.name; });

TEST(QOperator, RunsEverythingOnIntegersThatCan) {
  const auto separable = count_ops(lower_to_qoperator(quantized(separable_convolutions())));
  EXPECT_EQ(separable.at("QLinearConv"), 3);
  EXPECT_EQ(separable.at("com.microsoft.QLinearGlobalAveragePool"), 1);
  EXPECT_EQ(separable.at("QuantizeLinear"), 1);
  EXPECT_EQ(separable.at("DequantizeLinear"), 1);
  EXPECT_FALSE(separable.contains("Relu") || separable.contains("Clip"));

  const auto dense = count_ops(lower_to_qoperator(quantized(classifier())));
  EXPECT_EQ(dense.at("com.microsoft.QGemm"), 2);
  EXPECT_EQ(dense.at("com.microsoft.QLinearSoftmax"), 1);
  EXPECT_EQ(dense.at("QuantizeLinear"), 1);

  const auto joined = count_ops(lower_to_qoperator(quantized(branches())));
  EXPECT_EQ(joined.at("com.microsoft.QLinearAdd"), 1);
  EXPECT_EQ(joined.at("com.microsoft.QLinearMul"), 1);
  EXPECT_EQ(joined.at("com.microsoft.QLinearLeakyRelu"), 1);
  EXPECT_EQ(joined.at("Concat"), 1);  // one set of parameters: the standard operator moves the bytes
  EXPECT_EQ(joined.at("QuantizeLinear"), 1);
}

// The Concat gives its operands one grid, which reaches below zero: it cannot stand for the Relu.
TEST(QOperator, AClampWhoseGridIsSharedLeavesItsProducerAnInteger) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 4, 4, 4});
  const ValueId relu = b.node("Relu", {b.node("Conv", {x, b.random("w1", {4, 4, 1, 1})})});
  const ValueId other = b.node("Conv", {x, b.random("w2", {4, 4, 1, 1})});
  const Graph graph = b.finish({b.node("Concat", {relu, other}, {{"axis", int64_t{1}}})});
  const auto counts = count_ops(lower_to_qoperator(quantized(graph)));
  EXPECT_EQ(counts.at("QLinearConv"), 2);
  EXPECT_EQ(counts.at("Relu"), 1);
}

TEST(QOperator, WhereAndDropoutRunAsRuntimesCan) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 4, 4, 4});
  const ValueId y = b.node("Conv", {x, b.random("w", {4, 4, 1, 1})});
  const ValueId condition = b.constant("c", Tensor::of<bool>({4}, std::array{true, false, true, false}));
  const ValueId chosen = b.node("Dropout", {b.node("Where", {condition, y, x})});
  const Graph graph = b.finish({b.node("Conv", {chosen, b.random("w2", {4, 4, 1, 1})})});
  CalibratedContext calibrated(graph);
  Graph annotated = graph;
  run_pass(annotated, "annotate", calibrated.context);
  run_pass(annotated, "pack-constants", calibrated.context);
  const auto counts = count_ops(lower_to_qoperator(annotated));
  EXPECT_EQ(counts.at("Where"), 1);
  EXPECT_EQ(counts.at("Dropout"), 1);
  EXPECT_EQ(counts.at("QuantizeLinear"), 2);  // of the input, and behind Dropout, which knows floats only
}

TEST(QOperator, KeepsFloatOperatorsBetweenConversions) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 4, 4, 4});
  const ValueId y = b.node("ConvTranspose", {x, b.random("w", {4, 2, 2, 2})});
  const auto counts = count_ops(lower_to_qoperator(quantized(b.finish({y}))));
  EXPECT_EQ(counts.at("ConvTranspose"), 1);
  EXPECT_EQ(counts.at("QuantizeLinear"), 2);
  EXPECT_EQ(counts.at("DequantizeLinear"), 3);
}

TEST(QOperator, SixteenBitActivationsStayInFloatOperators) {
  QuantizationSettings wide;
  wide.activations = DataType::kInt16;
  const auto counts = count_ops(lower_to_qoperator(quantized(separable_convolutions(), wide)));
  EXPECT_FALSE(counts.contains("QLinearConv"));
  EXPECT_EQ(counts.at("Conv"), 3);
}

// Integers in, MaxPool and Pad on them, ArgMax out: what they mean is said where they go, or where they come from.
struct IntegerGraph {
  GraphBuilder b;
  ValueId scale = b.constant("s", Tensor::scalar(0.5F));
  ValueId zero_point = b.constant("z", Tensor::scalar<uint8_t>(128));

  ValueId dequantize(ValueId q) { return b.node("DequantizeLinear", {q, scale, zero_point}); }
};

TEST(ExpandQOperators, FindsTheMeaningOfIntegersWhereTheyGo) {
  IntegerGraph g;
  const ValueId x = g.b.input("x", {1, 1, 2, 2}, DataType::kUint8);
  const ValueId pads = g.b.constant("pads", Tensor::of<int64_t>({8}, std::vector<int64_t>{0, 0, 1, 0, 0, 0, 0, 0}));
  Graph graph = g.b.finish({g.dequantize(g.b.node("Pad", {x, pads}))});
  const Graph before = graph;
  PassContext context;
  ASSERT_TRUE(run_pass(graph, "expand-qoperators", context));
  verify(graph);
  const Sample sample{Tensor::of<uint8_t>({1, 1, 2, 2}, std::vector<uint8_t>{0, 127, 128, 255})};
  const Tensor expected = run(before, Engine::kSimulated, sample)[0];
  EXPECT_EQ(expected.data<float>()[0], -64.0F);  // integers are padded with integer 0
  EXPECT_TRUE(run(graph, Engine::kSimulated, sample)[0].same_bytes(expected));
  run_pass(graph, "lift-quantization", context);
  EXPECT_EQ(count_ops(graph)["Pad"], 1);
  EXPECT_EQ(graph[graph.nodes[1].outputs[0]].type.dtype, DataType::kFloat);
}

TEST(ExpandQOperators, LeavesIntegersWithoutMeaning) {
  GraphBuilder b;
  const ValueId x = b.input("x", {2, 3}, DataType::kInt8);
  Graph graph = b.finish({b.node("Transpose", {x}, {{"perm", std::vector<int64_t>{1, 0}}})});
  PassContext context;
  EXPECT_FALSE(run_pass(graph, "expand-qoperators", context));
}

TEST(ExpandQOperators, LeavesOperatorsWhoseParametersAreComputed) {
  GraphBuilder b;
  const ValueId x = b.input("x", {2, 3}, DataType::kUint8);
  const ValueId scale = b.input("scale", {});
  const ValueId zero = b.constant("z", Tensor::scalar<uint8_t>(3));
  const ValueId w = b.constant("w", Tensor::of<int8_t>({3, 1}, std::vector<int8_t>{1, -2, 3}));
  const ValueId one = b.constant("one", Tensor::scalar(1.0F));
  const ValueId signed_zero = b.constant("signed_z", Tensor::scalar<int8_t>(0));
  Graph graph = b.finish({b.node("QLinearMatMul", {x, scale, zero, w, one, signed_zero, one, zero})});
  PassContext context;
  EXPECT_FALSE(run_pass(graph, "expand-qoperators", context));
  EXPECT_EQ(graph.nodes.size(), 1U);
}

TEST(ExpandQOperators, QLinearWhereChoosesOnTheGridOfItsResult) {
  GraphBuilder b;
  const ValueId condition = b.constant("c", Tensor::of<bool>({2}, std::array{true, false}));
  const ValueId x = b.input("x", {3, 2}, DataType::kInt8), y = b.input("y", {3, 1}, DataType::kInt8);
  const ValueId half = b.constant("half", Tensor::scalar(0.5F)), two = b.constant("two", Tensor::scalar(2.0F));
  const ValueId zero = b.constant("z", Tensor::scalar<int8_t>(-3));
  Graph graph = b.finish({b.node("com.microsoft.QLinearWhere", {condition, x, half, zero, y, two, zero, two, zero})});
  const Graph before = graph;
  PassContext context;
  ASSERT_TRUE(run_pass(graph, "expand-qoperators", context));
  verify(graph);
  EXPECT_EQ(count_ops(graph)["Where"], 1);
  const Sample sample{Tensor::of<int8_t>({3, 2}, std::vector<int8_t>{9, 0, 127, 1, -128, 2}),
                      Tensor::of<int8_t>({3, 1}, std::vector<int8_t>{5, -128, 127})};
  const Tensor expected = run(before, Engine::kSimulated, sample)[0];
  EXPECT_EQ(expected.to_int64(), (std::vector<int64_t>{0, 5, 29, -128, -34, 127}));
  EXPECT_TRUE(run(graph, Engine::kSimulated, sample)[0].same_bytes(expected));
}

// uint8 weights around 128, one scale per column, as older quantizers wrote them.
TEST(ExpandQOperators, WeightsMayHaveZeroPointsAndOneScalePerColumn) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 2}, DataType::kUint8);
  const ValueId zero = b.constant("z", Tensor::scalar<uint8_t>(10));
  const ValueId w = b.constant("w", Tensor::of<uint8_t>({2, 2}, std::vector<uint8_t>{128, 130, 127, 255}));
  const ValueId scales = b.constant("ws", {2}, {0.5F, 0.25F});
  const ValueId w_zero = b.constant("wz", Tensor::of<uint8_t>({2}, std::vector<uint8_t>{128, 128}));
  const ValueId half = b.constant("half", Tensor::scalar(0.5F));
  const ValueId one = b.constant("one", Tensor::scalar(1.0F));
  Graph graph = b.finish({b.node("QLinearMatMul", {x, half, zero, w, scales, w_zero, one, zero})});
  const Graph before = graph;
  PassContext context;
  ASSERT_TRUE(run_pass(graph, "expand-qoperators", context));
  verify(graph);
  const Sample sample{Tensor::of<uint8_t>({1, 2}, std::vector<uint8_t>{30, 14})};
  EXPECT_TRUE(run(graph, Engine::kSimulated, sample)[0].same_bytes(run(before, Engine::kSimulated, sample)[0]));
  EXPECT_EQ(count_ops(graph)["MatMul"], 1);
}

}  // namespace
}  // namespace tinyc::testing
