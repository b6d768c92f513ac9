// Names that quantization adds to a file: short where those of the model are paths, and still found again.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tinyc/emit/lower.h"
#include "unit/small_graphs.h"

namespace tinyc::testing {
namespace {

const std::string kPath = "model/block_1/batch_normalization_1/FusedBatchNormV3;model/block_1/conv2d_1/Conv2D;";

// Every name a path of an exporter.
Graph with_paths() {
  Graph graph = folded(branches());
  for (Value& value : graph.values) value.name = kPath + value.name;
  for (Node& node : graph.nodes) node.name = kPath + node.name;
  return graph;
}

size_t bytes_of_names(const Graph& graph) {
  size_t bytes = 0;
  for (const Value& value : graph.values) bytes += value.name.size();
  for (const Node& node : graph.nodes) bytes += node.name.size();
  return bytes;
}

TEST(AddedNames, AreShortWhereTheModelsAreLong) {
  const Graph annotated = quantized(with_paths());
  const Graph lowered = lower_to_qdq(annotated);
  std::set<std::string> names;
  for (const Value& value : lowered.values) EXPECT_TRUE(names.insert(value.name).second) << value.name;
  const size_t added = bytes_of_names(lowered) - bytes_of_names(annotated);
  const size_t count = lowered.values.size() + lowered.nodes.size() - annotated.values.size() - annotated.nodes.size();
  EXPECT_LT(added, count * 40) << "the path alone has " << kPath.size();
}

TEST(AddedNames, ReadBackItIsTheModel) {
  const Graph annotated = quantized(with_paths());
  Graph read = lower_to_qdq(annotated);
  PassContext context;
  run_pass(read, "lift-quantization", context);
  std::set<std::string> known;
  for (const Value& value : annotated.values) known.insert(value.name);
  for (const Node& node : read.nodes) EXPECT_TRUE(known.contains(read[node.outputs[0]].name)) << node.name;
}

TEST(AddedNames, WrittenAgainTheyAreTheSame) {
  const Graph lowered = lower_to_qdq(quantized(with_paths()));
  Graph read = lowered;
  PassContext context;
  run_pass(read, "lift-quantization", context);
  const Graph again = lower_to_qdq(read);
  std::set<std::string> names;
  for (const Value& value : lowered.values) names.insert(value.name);
  for (const Value& value : again.values) EXPECT_TRUE(names.contains(value.name)) << value.name;
}

TEST(AddedNames, ShortOnesFollowTheModels) {
  const Graph lowered = lower_to_qdq(quantized(folded(branches())));
  const auto is = [&](const std::string& name) {
    return std::any_of(lowered.values.begin(), lowered.values.end(), [&](const Value& v) { return v.name == name; });
  };
  for (const char* name : {"w1_q", "w1_scale", "x_q", "x_dq", "x_zero_point"}) EXPECT_TRUE(is(name)) << name;
}

}  // namespace
}  // namespace tinyc::testing
