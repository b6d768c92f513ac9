#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include "text/onnx_text.h"
#include "tinyc/onnx/import.h"
#include "tinyc/ops/infer.h"
#include "tinyc/ops/op.h"
#include "unit/run_graph.h"

namespace tinyc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Graph import_text(std::string_view text, const ImportOptions& options = {}) {
  return import_model_bytes(model_from_text(text), {}, options);
}

std::string error_of(std::string_view text, ErrorKind kind = ErrorKind::kModel, const ImportOptions& options = {}) {
  try {
    import_text(text, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "no error";
}

std::vector<float> result_of(const Graph& graph, const std::vector<Tensor>& inputs) {
  return run(graph, inputs)[0].to_float();
}

Tensor floats(const std::vector<float>& values) {
  return Tensor::of<float>({static_cast<int64_t>(values.size())}, values);
}

TEST(OnnxImport, InitializersThatAreListedAsInputsAreConstants) {
  const Graph graph = import_text(R"(<ir_version: 3, opset_import: ["" : 13]>
    g (float[2] x, float[2] w) => (float[2] y) <float[2] w = {1, 2}> { y = Add(x, w) })");
  ASSERT_EQ(graph.inputs.size(), 1U);
  EXPECT_EQ(graph[graph.inputs[0]].name, "x");
  EXPECT_THAT(graph[graph.nodes[0].inputs[1]].constant->to_float(), ElementsAre(1, 2));
}

TEST(OnnxImport, ConstantNodesBecomeConstants) {
  const Graph graph = import_text(R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x) => (float[2] y) { w = Constant <value_floats = [3.0, 4.0]> () y = Mul(x, w) })");
  EXPECT_THAT(ops_of(graph), ElementsAre("Mul"));
  EXPECT_THAT(result_of(graph, {floats({1, 2})}), ElementsAre(3, 8));
}

TEST(OnnxImport, NodesAreSorted) {
  const Graph graph = import_text(R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x) => (float[2] y) { y = Neg(b) b = Abs(a) a = Exp(x) })");
  EXPECT_THAT(ops_of(graph), ElementsAre("Exp", "Abs", "Neg"));
  EXPECT_EQ(graph.nodes[0].origin, 2);
}

TEST(OnnxImport, CycleNamesANodeThatIsOnIt) {
  const std::string message = error_of(R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x) => (float[2] y) { a = Add(x, c) b = Neg(a) c = Abs(b) y = Exp(c) })");
  EXPECT_THAT(message, HasSubstr("is part of a cycle"));
  EXPECT_THAT(message, ::testing::AnyOf(HasSubstr("Add"), HasSubstr("Neg"), HasSubstr("Abs")));
}

TEST(OnnxImport, NamesThatAreDefinedTwiceOrNever) {
  EXPECT_THAT(error_of(R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x) => (float[2] y) { y = Neg(x) y = Abs(x) })"),
              HasSubstr("value 'y' is defined twice"));
  EXPECT_THAT(error_of(R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x, float[2] x) => (float[2] y) { y = Neg(x) })"),
              HasSubstr("value 'x' is defined twice"));
  EXPECT_THAT(error_of(R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x) => (float[2] y) { y = Add(x, nothing) })"),
              HasSubstr("node (Add, #0): input 1: value 'nothing' is not defined"));
  EXPECT_THAT(error_of(R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x) => (float[2] z) { y = Neg(x) })"),
              HasSubstr("output 'z'"));
}

TEST(OnnxImport, OutputsNeedAName) {
  onnx::ModelProto model;
  model.add_opset_import()->set_version(13);
  model.mutable_graph()->add_output();
  EXPECT_THROW(import_model_bytes(model.SerializeAsString()), Error);
}

TEST(OnnxImport, NodeNamesBecomeUnique) {
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(model_from_text(R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x) => (float[2] y) { a = Neg(x) b = Neg(a) c = Neg(b) y = Neg(c) })")));
  model.mutable_graph()->mutable_node(0)->set_name("n");
  model.mutable_graph()->mutable_node(1)->set_name("n");
  model.mutable_graph()->mutable_node(2)->set_name("n_1");
  const Graph graph = import_model_bytes(model.SerializeAsString());
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.name);
  EXPECT_THAT(names, ElementsAre("n", "n_2", "n_1", "Neg"));
}

TEST(OnnxImport, LeftOutOperandsHaveNoValue) {
  const Graph graph = import_text(R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[3] x) => (float[3] y) <float high = {2}> { y = Clip(x, , high) })");
  ASSERT_EQ(graph.nodes[0].inputs.size(), 3U);
  EXPECT_EQ(graph.nodes[0].inputs[1], kNoValue);
  EXPECT_THAT(result_of(graph, {floats({-1, 1, 5})}), ElementsAre(-1, 1, 2));
}

TEST(OnnxImport, AttributesAreCheckedAgainstTheOp) {
  EXPECT_THAT(error_of(R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x) => (float[2] y) { y = LeakyRelu <alfa = 0.5> (x) })"),
              HasSubstr("an attribute 'alfa' that this op does not have"));
  EXPECT_THAT(error_of(R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x) => (float[2] y) { y = LeakyRelu <alpha = 1> (x) })"),
              HasSubstr("attribute 'alpha' is an integer, expected a float"));
}

constexpr std::string_view kFunctions = R"(<ir_version: 8, opset_import: ["" : 13, "local" : 1]>
    g (float[2] x) => (float[2] y) <float[2] two = {2, 2}> {
      t = local.scaled <power = 3.0> (x, two)
      y = local.scaled <power = 1.0> (t, two)
    }
    <domain: "local", opset_import: ["" : 13]>
    scaled <power> (a, b) => (c) {
      p = Constant <value_float: float = @power> ()
      raised = Pow(a, p)
      c = Mul(raised, b)
    })";

TEST(OnnxImport, FunctionsAreOpenedWithTheirAttributes) {
  const Graph graph = import_text(kFunctions);
  EXPECT_THAT(ops_of(graph), ElementsAre("Pow", "Mul", "Pow", "Mul"));
  EXPECT_EQ(graph[graph.outputs[0]].name, "y");
  EXPECT_THAT(result_of(graph, {floats({1, 2})}), ElementsAre(4, 32));
}

TEST(OnnxImport, FunctionsThatCallThemselvesAreRefused) {
  EXPECT_THAT(error_of(R"(<ir_version: 8, opset_import: ["" : 13, "local" : 1]>
    g (float[2] x) => (float[2] y) { y = local.f(x) }
    <domain: "local", opset_import: ["" : 13, "local" : 1]> f (a) => (b) { b = local.h(a) }
    <domain: "local", opset_import: ["" : 13, "local" : 1]> h (a) => (b) { b = local.f(a) })"),
              HasSubstr("function 'f' calls itself"));
}

TEST(OnnxImport, FunctionsThatMultiplyAreStopped) {
  std::string text = R"(<ir_version: 8, opset_import: ["" : 13, "local" : 1]>
    g (float[2] x) => (float[2] y) { y = local.f20(x) }
    <domain: "local", opset_import: ["" : 13]> f0 (a) => (b) { b = Neg(a) })";
  for (int i = 1; i <= 20; ++i) {
    const std::string inner = "local.f" + std::to_string(i - 1);
    text += "<domain: \"local\", opset_import: [\"\" : 13, \"local\" : 1]> f" + std::to_string(i) +
            " (a) => (b) { m = " + inner + "(a) b = " + inner + "(m) }\n";
  }
  EXPECT_THAT(error_of(text), HasSubstr("nodes with its functions opened"));
}

constexpr std::string_view kBranches = R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x, bool which) => (float[2] y) <float[2] w = {10, 20}> {
      left = Neg(x)
      right = Abs(x)
      y = If (which) <
        then_branch = t () => (float[2] r) { m = Add(right, w) r = Add(m, left) },
        else_branch = e () => (float[2] r) { r = Mul(left, w) } >
    })";

TEST(OnnxImport, SubgraphsShareOneListOfCaptures) {
  const Graph graph = import_text(kBranches);
  const Node& node = graph.nodes.back();
  ASSERT_EQ(node.captures, 2);
  ASSERT_EQ(node.inputs.size(), 3U);
  for (const char* name : {"then_branch", "else_branch"}) {
    const Graph& branch = *graph_attr(node, name);
    ASSERT_EQ(branch.inputs.size(), 2U);
    EXPECT_EQ(branch[branch.inputs[0]].name, graph[node.inputs[1]].name);
    EXPECT_EQ(branch[branch.inputs[1]].name, graph[node.inputs[2]].name);
  }
  EXPECT_THAT(result_of(graph, {floats({-1, 2}), Tensor::scalar(true)}), ElementsAre(12, 20));
  EXPECT_THAT(result_of(graph, {floats({-1, 2}), Tensor::scalar(false)}), ElementsAre(10, -40));
}

TEST(OnnxImport, ConstantsAroundASubgraphAreConstantsInIt) {
  const Graph graph = import_text(kBranches);
  const Graph& branch = *graph_attr(graph.nodes.back(), "else_branch");
  const Value& weight = branch[branch.nodes[0].inputs[1]];
  ASSERT_TRUE(weight.constant.has_value());
  EXPECT_EQ(weight.name, "w");
}

TEST(OnnxImport, OpenDimsAreBoundByNameOrAxis) {
  constexpr std::string_view kText = R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[batch, 4] x, float[?, 4] z) => (float[batch, 4] y) { y = Add(x, z) })";
  const Graph graph = import_text(kText, {.dims = {{"batch", 3}, {"z:0", 3}}, .fixed = {}});
  EXPECT_EQ(to_string(graph[graph.inputs[0]].type), "float32[3,4]");
  EXPECT_EQ(to_string(graph[graph.inputs[1]].type), "float32[3,4]");
  EXPECT_THAT(error_of(kText, ErrorKind::kUsage, {.dims = {{"batsh", 3}}, .fixed = {}}),
              HasSubstr("no open dimension 'batsh'"));
  EXPECT_THAT(error_of(kText, ErrorKind::kUsage, {.dims = {{"batch", 0}}, .fixed = {}}), HasSubstr("'batch'"));
}

TEST(OnnxImport, FixedInputsBecomeConstants) {
  constexpr std::string_view kText = R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x, float[2] scale, int64 n) => (float[2] y) { y = Mul(x, scale) })";
  const Graph graph = import_text(kText, {.dims = {}, .fixed = {{"scale", "2,3"}, {"n", "16000"}}});
  ASSERT_EQ(graph.inputs.size(), 1U);
  EXPECT_THAT(result_of(graph, {floats({1, 1})}), ElementsAre(2, 3));
  const auto fail = [&](const std::string& name, const std::string& value) {
    return error_of(kText, ErrorKind::kUsage, {.dims = {}, .fixed = {{name, value}}});
  };
  EXPECT_THAT(fail("scal", "1"), HasSubstr("no input 'scal'"));
  EXPECT_THAT(fail("scale", "1,2,3"), HasSubstr("input 'scale': 3 numbers are given, expected [2]"));
  EXPECT_THAT(fail("scale", "1,x"), HasSubstr("'x' is not a number"));
  EXPECT_THAT(fail("n", "0.5"), HasSubstr("does not fit the type int64"));
  EXPECT_THAT(fail("n", "1e30"), HasSubstr("does not fit the type int64"));
}

TEST(OnnxImport, WeightsThatAreNotNumbersAreRefusedByName) {
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(model_from_text(R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { y = Add(x, w) })")));
  auto* values = model.mutable_graph()->mutable_initializer(0);
  const auto error = [&] {
    try {
      import_model_bytes(model.SerializeAsString());
    } catch (const Error& caught) {
      return std::string(caught.what());
    }
    return std::string("no error");
  };
  values->set_float_data(1, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(error(), "initializer 'w': holds NaN");
  values->set_float_data(1, -std::numeric_limits<float>::infinity());
  EXPECT_EQ(error(), "initializer 'w': holds an infinity");
  values->set_float_data(0, 0);
  EXPECT_EQ(error(), "no error") << "zeros and infinities are a mask";
}

TEST(OnnxImport, BytesThatAreNoModel) {
  const auto error = [](std::string_view bytes) {
    try {
      import_model_bytes(bytes);
    } catch (const Error& caught) {
      EXPECT_EQ(caught.kind(), ErrorKind::kModel);
      return std::string(caught.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(error("hello, world"), HasSubstr("not an ONNX model"));
  EXPECT_THAT(error(""), HasSubstr("holds no graph"));
  const std::string whole = model_from_text(kBranches);
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(error(std::string_view(whole).substr(0, size)), "no error") << size;
}

TEST(OnnxImport, OpsetsOutOfRange) {
  EXPECT_THAT(error_of(R"(<ir_version: 8, opset_import: ["" : 6]>
    g (float[2] x) => (float[2] y) { y = Add(x, x) })"),
              HasSubstr("node (Add, #0): opset 6 is older than the oldest that tinyc reads, 7"));
  EXPECT_THAT(error_of(R"(<ir_version: 8, opset_import: ["" : 99]>
    g (float[2] x) => (float[2] y) { y = Add(x, x) })"),
              HasSubstr("opset 99 is newer"));
  EXPECT_THAT(ops_of(import_text(R"(<ir_version: 8, opset_import: ["" : 6]>
    g (float[2] x) => (float[2] y) { y = Relu(x) })")),
              ElementsAre("Relu"));
}

TEST(OnnxImport, SubgraphsNestedTooDeepAreRefused) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(13);
  onnx::GraphProto* graph = model.mutable_graph();
  for (int depth = 0; depth < 30; ++depth) {
    auto* node = graph->add_node();
    node->set_op_type("Unknown");
    node->add_output("y");
    auto* attribute = node->add_attribute();
    attribute->set_name("body");
    attribute->set_type(onnx::AttributeProto::GRAPH);
    graph = attribute->mutable_g();
  }
  EXPECT_THROW(import_model_bytes(model.SerializeAsString()), Error);
}

}  // namespace
}  // namespace tinyc::testing
