// Which files beside the model hold its tensors: every tensor of the message is looked at, in all graphs and functions.
#include <set>

#include "onnx/proto.h"
#include "tinyc/onnx/import.h"

namespace tinyc {
namespace {

struct Collector {
  std::set<std::string> locations;

  void add(const onnx::TensorProto& tensor) {
    for (const auto& entry : tensor.external_data()) {
      if (entry.key() == "location") locations.insert(entry.value());
    }
  }

  void add(const onnx::NodeProto& node) {
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.has_t()) add(attribute.t());
      for (const onnx::TensorProto& tensor : attribute.tensors()) add(tensor);
      if (attribute.has_g()) add(attribute.g());
      for (const onnx::GraphProto& graph : attribute.graphs()) add(graph);
    }
  }

  void add(const onnx::GraphProto& graph) {
    for (const onnx::TensorProto& tensor : graph.initializer()) add(tensor);
    for (const onnx::NodeProto& node : graph.node()) add(node);
  }
};

}  // namespace

std::vector<std::filesystem::path> external_files(const std::filesystem::path& path) {
  onnx::ModelProto model;
  read_message(path, "an ONNX model", model);
  Collector found;
  found.add(model.graph());
  for (const onnx::FunctionProto& function : model.functions()) {
    for (const onnx::NodeProto& node : function.node()) found.add(node);
  }
  std::vector<std::filesystem::path> files;
  for (const std::string& location : found.locations) files.push_back(path.parent_path() / location);
  return files;
}

}  // namespace tinyc
