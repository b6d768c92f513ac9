#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include "graph_builder.h"
#include "text/onnx_text.h"
#include "tinyc/eval/program.h"
#include "tinyc/onnx/export.h"
#include "tinyc/onnx/import.h"

namespace tinyc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

onnx::ModelProto parsed(const std::string& bytes) {
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(bytes));
  return model;
}

Graph import_text(std::string_view text) {
  return import_model_bytes(testing::model_from_text(text));
}

onnx::ModelProto exported(std::string_view text) {
  return parsed(export_model(import_text(text)));
}

int64_t attribute_count(const onnx::NodeProto& node, const std::string& name) {
  return std::count_if(node.attribute().begin(), node.attribute().end(),
                       [&](const auto& a) { return a.name() == name; });
}

TEST(OnnxExport, KeepsNamesTypesMetadataAndBytes) {
  onnx::ModelProto model = parsed(testing::model_from_text(R"(<ir_version: 8, opset_import: ["" : 15]>
    net (float[N, 2] x) => (float[N, 2] y) <float[2] w = {1, 2}> { t = Add(x, w) y = Relu(t) })"));
  model.set_doc_string("about it");
  auto& entry = *model.add_metadata_props();
  entry.set_key("author");
  entry.set_value("somebody");
  model.mutable_graph()->mutable_node(0)->set_name("sum");
  const std::string bytes = export_model(import_model_bytes(model.SerializeAsString()));
  const onnx::ModelProto out = parsed(bytes);
  EXPECT_EQ(out.doc_string(), "about it");
  EXPECT_EQ(out.metadata_props(0).value(), "somebody");
  EXPECT_EQ(out.graph().name(), "net");
  EXPECT_EQ(out.graph().node(0).name(), "sum");
  EXPECT_EQ(out.graph().input(0).type().tensor_type().shape().dim(0).dim_param(), "N");
  EXPECT_EQ(out.graph().output(0).name(), "y");
  EXPECT_EQ(out.opset_import(0).version(), 15);
  EXPECT_EQ(out.ir_version(), 8);
  EXPECT_EQ(export_model(import_model_bytes(bytes)), bytes);
}

TEST(OnnxExport, OldModelsAreRaisedToOpset13) {
  const onnx::ModelProto out = exported(R"(<ir_version: 4, opset_import: ["" : 9]>
    g (float[1, 4] x) => (float[4] y) { y = Squeeze <axes = [0]> (x) })");
  EXPECT_EQ(out.opset_import(0).version(), 13);
  EXPECT_EQ(out.ir_version(), 7);
  EXPECT_EQ(out.graph().node(0).input_size(), 2);
  EXPECT_EQ(attribute_count(out.graph().node(0), "axes"), 0);
}

TEST(OnnxExport, NodesHaveTheFormOfTheirOpset) {
  constexpr std::string_view kText = R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[4, 6] x) => (float[4] y, float[4, 3] a, float[4, 3] b) {
      y = ReduceMean <axes = [1], keepdims = 0> (x)
      a, b = Split <axis = 1> (x) })";
  const onnx::ModelProto out = exported(kText);
  EXPECT_EQ(out.opset_import(0).version(), 13);
  EXPECT_THAT(out.graph().node(0).input(), ElementsAre("x"));
  EXPECT_EQ(attribute_count(out.graph().node(0), "axes"), 1);
  EXPECT_EQ(attribute_count(out.graph().node(1), "num_outputs"), 0);
  EXPECT_THAT(out.graph().initializer(), IsEmpty()) << "the axes are an attribute again";
  Graph newer = import_text(kText);
  newer.opsets[""] = 18;
  const onnx::ModelProto modern = parsed(export_model(newer));
  EXPECT_EQ(modern.graph().node(0).input_size(), 2);
  EXPECT_EQ(attribute_count(modern.graph().node(1), "num_outputs"), 1);
}

TEST(OnnxExport, TheOpsetRisesToWhatANodeNeeds) {
  testing::GraphBuilder builder;
  const ValueId x = builder.input("x", {1, 4});
  const ValueId scale = builder.constant("scale", {4}, {1, 1, 1, 1});
  Graph graph = builder.finish({builder.node("LayerNormalization", {x, scale})});
  graph.opsets[""] = 11;
  EXPECT_EQ(export_opset(graph), 17);
  graph.opsets[""] = 19;
  EXPECT_EQ(export_opset(graph), 19);
}

TEST(OnnxExport, Int4QuantizationNeedsOpset21) {
  testing::GraphBuilder builder;
  const ValueId packed = builder.constant("w_q", Tensor::zeros(DataType::kInt4, {3}));
  const ValueId scale = builder.constant("scale", Tensor::scalar(0.5F));
  const ValueId x = builder.input("x", {3});
  const ValueId weight = builder.node("DequantizeLinear", {packed, scale});
  const onnx::ModelProto out = parsed(export_model(builder.finish({builder.node("Add", {x, weight})})));
  EXPECT_EQ(out.opset_import(0).version(), 21);
  EXPECT_EQ(out.ir_version(), 10);
  EXPECT_EQ(out.graph().initializer(0).data_type(), 22);
  EXPECT_EQ(out.graph().initializer(0).raw_data().size(), 2U);
}

TEST(OnnxExport, ConstantsThatNobodyReadsAreLeftOut) {
  testing::GraphBuilder builder;
  const ValueId x = builder.input("x", {2});
  builder.constant("unused", {1}, {1});
  EXPECT_THAT(parsed(export_model(builder.finish({builder.node("Relu", {x})}))).graph().initializer(), IsEmpty());
}

constexpr std::string_view kBranches = R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x, bool which) => (float[2] y) <float[2] w = {10, 20}> {
      y = If (which) <
        then_branch = t () => (float[2] r) { m = Add(x, w) r = Neg(m) },
        else_branch = e () => (float[2] q) { m = Mul(x, w) q = Exp(m) } >
    })";

TEST(OnnxExport, SubgraphsReadTheValuesAroundThem) {
  const std::string bytes = export_model(import_text(kBranches));
  const onnx::ModelProto out = parsed(bytes);
  ASSERT_EQ(out.graph().initializer_size(), 1) << "shared by both branches";
  const onnx::NodeProto& node = out.graph().node(0);
  EXPECT_THAT(node.input(), ElementsAre("which"));
  for (const auto& attribute : node.attribute()) {
    EXPECT_THAT(attribute.g().input(), IsEmpty());
    EXPECT_THAT(attribute.g().initializer(), IsEmpty());
    EXPECT_THAT(attribute.g().node(0).input(), ElementsAre("x", "w"));
  }
  EXPECT_EQ(export_model(import_model_bytes(bytes)), bytes);
}

TEST(OnnxExport, SubgraphNamesDifferFromThoseAroundThem) {
  Graph graph = import_text(kBranches);
  for (Value& value : graph.values) {
    if (value.name == "y") value.name = "m";  // as a pass may rename
  }
  const onnx::ModelProto out = parsed(export_model(graph));
  EXPECT_EQ(out.graph().output(0).name(), "m");
  EXPECT_EQ(out.graph().node(0).attribute(0).g().node(0).output(0), "m_1");
}

TEST(OnnxExport, ABranchThatHandsAValueThroughGetsAnIdentity) {
  const onnx::ModelProto out = exported(R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[2] x, bool which) => (float[2] y) <float[2] w = {10, 20}> {
      y = If (which) <
        then_branch = t () => (float[2] x) { },
        else_branch = e () => (float[2] w) { } >
    })");
  for (const auto& attribute : out.graph().node(0).attribute()) {
    ASSERT_EQ(attribute.g().node_size(), 1);
    EXPECT_EQ(attribute.g().node(0).op_type(), "Identity");
    EXPECT_EQ(attribute.g().output(0).name(), attribute.g().node(0).output(0));
  }
}

TEST(OnnxExport, UnknownOpsLeaveAsTheyCame) {
  const std::string source = testing::model_from_text(R"(<ir_version: 8, opset_import: ["" : 13, "acme" : 3]>
    g (float[2] x, int64[1] i) => (float[2] y) {
      s = acme.Pack <beta = 2.5, names = ["a", "b"], mode = "fast"> (x, , i)
      y = acme.Unpack (s)
    })");
  onnx::ModelProto model = parsed(source);
  auto& info = *model.mutable_graph()->add_value_info();
  info.set_name("s");
  info.mutable_type()->mutable_sequence_type()->mutable_elem_type()->mutable_tensor_type()->set_elem_type(1);
  const std::string bytes = export_model(import_model_bytes(model.SerializeAsString()));
  const onnx::ModelProto out = parsed(bytes);
  const onnx::NodeProto& node = out.graph().node(0);
  EXPECT_EQ(node.domain(), "acme");
  EXPECT_THAT(node.input(), ElementsAre("x", "", "i"));
  for (const auto& attribute : model.graph().node(0).attribute()) {
    EXPECT_EQ(std::count_if(node.attribute().begin(), node.attribute().end(),
                            [&](const auto& a) { return a.SerializeAsString() == attribute.SerializeAsString(); }),
              1)
        << attribute.name();
  }
  EXPECT_EQ(out.graph().value_info(0).SerializeAsString(), info.SerializeAsString());
  EXPECT_EQ(out.opset_import(1).domain(), "acme");
  EXPECT_EQ(out.opset_import(1).version(), 3);
}

// The order in which captures are found must not depend on the order of attributes in the file.
TEST(OnnxExport, UnknownOpsFollowRenamesOfWhatTheyCapture) {
  Graph graph = import_text(R"(<ir_version: 8, opset_import: ["" : 13, "acme" : 1]>
    g (float[2] x) => (float[2] y) {
      left = Neg(x)
      right = Abs(x)
      y = acme.Choose <
        then_branch = t () => (float[2] r) { r = Add(right, left) },
        else_branch = e () => (float[2] r) { r = acme.Inner(left) } > ()
    })");
  for (Value& value : graph.values) {
    if (value.name == "left") value.name = "left_new";
  }
  const onnx::ModelProto out = parsed(export_model(graph));
  const onnx::NodeProto& node = out.graph().node(2);
  ASSERT_EQ(node.attribute_size(), 2);
  EXPECT_THAT(node.input(), IsEmpty());
  EXPECT_EQ(node.attribute(0).name(), "else_branch");
  EXPECT_THAT(node.attribute(0).g().node(0).input(), ElementsAre("left_new"));
  EXPECT_THAT(node.attribute(1).g().node(0).input(), ElementsAre("right", "left_new"));
}

}  // namespace
}  // namespace tinyc
