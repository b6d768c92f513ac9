#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <cmath>
#include <limits>

#include "onnx/upgrade.h"
#include "text/onnx_text.h"
#include "tinyc/onnx/import.h"
#include "tinyc/ops/op.h"
#include "unit/run_graph.h"

namespace tinyc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

Graph import_nodes(int opset, const std::string& signature, const std::string& nodes) {
  return import_model_bytes(model_from_text("<ir_version: 8, opset_import: [\"\" : " + std::to_string(opset) + "]> g " +
                                            signature + " { " + nodes + " }"));
}

Tensor ramp(const Dims& dims) {
  Tensor tensor = Tensor::zeros(DataType::kFloat, dims);
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.mutable_data<float>()[static_cast<size_t>(i)] = static_cast<float>(i);
  return tensor;
}

TEST(OnnxUpgrade, AxesBecomeAnInput) {
  for (const std::string op : {"Squeeze", "ReduceSum", "ReduceMax", "ReduceL1"}) {
    const Graph graph = import_nodes(
        11, "(float[1, 3] x) => (float[3] y)",
        op == "Squeeze" ? "y = Squeeze <axes = [0]> (x)" : "y = " + op + " <axes = [0], keepdims = 0> (x)");
    ASSERT_EQ(graph.nodes[0].inputs.size(), 2U) << op;
    EXPECT_THAT(run(graph, {ramp({1, 3})})[0].to_float(), ElementsAre(0, 1, 2)) << op;
  }
  EXPECT_EQ(
      run(import_nodes(12, "(float[3] x) => (float[1, 3] y)", "y = Unsqueeze <axes = [0]> (x)"), {ramp({3})})[0].dims(),
      (Dims{1, 3}));
  EXPECT_THAT(
      run(import_nodes(9, "(float[3] x) => (float y)", "y = ReduceSum <keepdims = 0> (x)"), {ramp({3})})[0].to_float(),
      ElementsAre(3));
}

TEST(OnnxUpgrade, SliceSplitPadClipAndTopKTakeInputs) {
  const auto sliced = run(import_nodes(9, "(float[2, 4] x) => (float[1, 2] y)",
                                       "y = Slice <starts = [1, 0], ends = [2, -2], axes = [0, 1]> (x)"),
                          {ramp({2, 4})});
  EXPECT_THAT(sliced[0].to_float(), ElementsAre(4, 5));
  const auto split = run(
      import_nodes(11, "(float[4] x) => (float[1] a, float[3] b)", "a, b = Split <split = [1, 3]> (x)"), {ramp({4})});
  EXPECT_THAT(split[1].to_float(), ElementsAre(1, 2, 3));
  const auto halves = run(import_nodes(11, "(float[4] x) => (float[2] a, float[2] b)", "a, b = Split(x)"), {ramp({4})});
  EXPECT_THAT(halves[1].to_float(), ElementsAre(2, 3));
  const auto padded =
      run(import_nodes(10, "(float[2] x) => (float[4] y)", "y = Pad <pads = [1, 1], value = 9.0> (x)"), {ramp({2})});
  EXPECT_THAT(padded[0].to_float(), ElementsAre(9, 0, 1, 9));
  const auto clipped =
      run(import_nodes(10, "(float[4] x) => (float[4] y)", "y = Clip <min = 1.0, max = 2.0> (x)"), {ramp({4})});
  EXPECT_THAT(clipped[0].to_float(), ElementsAre(1, 1, 2, 2));
  const auto best =
      run(import_nodes(9, "(float[4] x) => (float[2] v, int64[2] i)", "v, i = TopK <k = 2> (x)"), {ramp({4})});
  EXPECT_THAT(best[1].to_int64(), ElementsAre(3, 2));
}

// Rows of the matrix that the tensor was cut into before `axis`.
std::vector<float> flat_softmax(const Tensor& input, int64_t row) {
  std::vector<float> result = input.to_float();
  for (size_t start = 0; start < result.size(); start += static_cast<size_t>(row)) {
    double sum = 0;
    for (size_t i = start; i < start + static_cast<size_t>(row); ++i) sum += std::exp(static_cast<double>(result[i]));
    for (size_t i = start; i < start + static_cast<size_t>(row); ++i) {
      result[i] = static_cast<float>(std::exp(static_cast<double>(result[i])) / sum);
    }
  }
  return result;
}

TEST(OnnxUpgrade, SoftmaxTookItsTensorAsAMatrix) {
  const Tensor input = ramp({2, 3, 2});
  const Graph graph = import_nodes(11, "(float[2, 3, 2] x) => (float[2, 3, 2] y)", "y = Softmax(x)");
  EXPECT_THAT(ops_of(graph), ElementsAre("Shape", "Flatten", "Softmax", "Reshape"));
  const Tensor output = run(graph, {input})[0];
  EXPECT_EQ(output.dims(), input.dims());
  EXPECT_THAT(output.to_float(), Pointwise(FloatNear(1e-6F), flat_softmax(input, 6)));
}

TEST(OnnxUpgrade, SoftmaxAlongOneAxisStaysOneNode) {
  const Graph last = import_nodes(11, "(float[2, 3] x) => (float[2, 3] y)", "y = Softmax(x)");
  EXPECT_THAT(ops_of(last), ElementsAre("Softmax"));
  EXPECT_EQ(int_attr(last.nodes[0], "axis"), 1);
  const Graph channels =
      import_nodes(7, "(float[1, 6, 1, 1] x) => (float[1, 6, 1, 1] y)", "y = Softmax <axis = 1> (x)");
  EXPECT_THAT(ops_of(channels), ElementsAre("Softmax"));
  EXPECT_THAT(run(channels, {ramp({1, 6, 1, 1})})[0].to_float(),
              Pointwise(FloatNear(1e-6F), flat_softmax(ramp({6}), 6)));
  EXPECT_THAT(ops_of(import_nodes(13, "(float[2, 3, 2] x) => (float[2, 3, 2] y)", "y = Softmax(x)")),
              ElementsAre("Softmax"));
}

TEST(OnnxUpgrade, UpsampleBecomesResize) {
  for (const int opset : {7, 9}) {
    const std::string nodes = opset == 7 ? "y = Upsample <scales = [1.0, 1.0, 2.0, 1.0]> (x)"
                                         : "s = Constant <value = float[4] {1.0, 1.0, 2.0, 1.0}> () y = Upsample(x, s)";
    const Graph graph = import_nodes(opset, "(float[1, 1, 2, 2] x) => (float[1, 1, 4, 2] y)", nodes);
    EXPECT_THAT(ops_of(graph), ElementsAre("Resize"));
    EXPECT_EQ(string_attr(graph.nodes[0], "coordinate_transformation_mode"), "asymmetric");
    EXPECT_THAT(run(graph, {ramp({1, 1, 2, 2})})[0].to_float(), ElementsAre(0, 1, 0, 1, 2, 3, 2, 3));
  }
}

TEST(OnnxUpgrade, OldDropoutAndBatchNormalizationAttributes) {
  const Graph dropout = import_nodes(7, "(float[4] x) => (float[4] y)", "y = Dropout <ratio = 0.3> (x)");
  EXPECT_THAT(run(dropout, {ramp({4})})[0].to_float(), ElementsAre(0, 1, 2, 3));
  const std::string constants =
      "s = Constant <value = float[1] {2.0}> () b = Constant <value = float[1] {1.0}> () "
      "m = Constant <value = float[1] {0.0}> () v = Constant <value = float[1] {1.0}> () ";
  const std::string signature = "(float[1, 1, 2] x) => (float[1, 1, 2] y)";
  const Graph norm =
      import_nodes(7, signature, constants + "y = BatchNormalization <spatial = 1, epsilon = 0.0> (x, s, b, m, v)");
  EXPECT_THAT(run(norm, {ramp({1, 1, 2})})[0].to_float(), ElementsAre(1, 3));
  EXPECT_THROW(import_nodes(7, signature, constants + "y = BatchNormalization <spatial = 0> (x, s, b, m, v)"), Error);
}

TEST(OnnxUpgrade, GroupNormalizationRepeatsPerGroupValues) {
  const Graph graph = import_nodes(18, "(float[1, 4, 2] x, float[2] s, float[2] b) => (float[1, 4, 2] y)",
                                   "y = GroupNormalization <num_groups = 2> (x, s, b)");
  EXPECT_THAT(ops_of(graph),
              ElementsAre("Reshape", "Expand", "Reshape", "Reshape", "Expand", "Reshape", "GroupNormalization"));
  EXPECT_EQ(to_string(graph[graph.nodes.back().inputs[1]].type), "float32[4]");
}

TEST(OnnxUpgrade, ScalarsTakeTheTypeOfTheData) {
  const Graph graph = import_nodes(10, "(float16[2] x) => (float16[2] y)", "y = Clip <min = 0.5> (x)");
  EXPECT_EQ(graph[graph.nodes[0].inputs[1]].type.dtype, DataType::kFloat16);
  EXPECT_THAT(graph[graph.nodes[0].inputs[1]].constant->to_float(), ElementsAre(0.5F));
}

TEST(OnnxUpgrade, RefusesNaNThatWouldBecomeAnInitializer) {
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(model_from_text(R"(<ir_version: 8, opset_import: ["" : 7]>
    g (float[2] x) => (float[2] y) { y = Dropout <ratio = 0.5> (x) })")));
  model.mutable_graph()->mutable_node(0)->mutable_attribute(0)->set_f(std::numeric_limits<float>::quiet_NaN());
  EXPECT_THROW(import_model_bytes(model.SerializeAsString()), Error);
}

}  // namespace
}  // namespace tinyc::testing
