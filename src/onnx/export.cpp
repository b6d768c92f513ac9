#include "tinyc/onnx/export.h"

#include <algorithm>
#include <limits>
#include <set>

#include "onnx/graph_writer.h"
#include "onnx/opset.h"
#include "tinyc/base/error.h"
#include "tinyc/ops/op.h"

namespace tinyc {
namespace {

void collect_domains(const Graph& graph, std::set<std::string>& domains) {
  for (const Node& node : graph.nodes) {
    domains.insert(node.op != nullptr ? std::string(node.op->domain) : node.foreign->domain);
    for (const auto& [name, attribute] : node.attributes) {
      const auto* subgraph = std::get_if<std::shared_ptr<const Graph>>(&attribute);
      if (subgraph != nullptr) collect_domains(**subgraph, domains);
    }
  }
}

void write_opsets(const Graph& graph, int64_t opset, onnx::ModelProto& model) {
  std::set<std::string> domains{""};
  collect_domains(graph, domains);
  for (const std::string& domain : domains) {
    const auto imported = graph.opsets.find(domain);
    auto& entry = *model.add_opset_import();
    entry.set_domain(domain);
    entry.set_version(domain.empty() ? opset : imported != graph.opsets.end() ? imported->second : 1);
  }
}

}  // namespace

int64_t export_opset(const Graph& graph) {
  const auto imported = graph.opsets.find("");
  return std::max(imported == graph.opsets.end() ? kOldestWritten : imported->second, required_opset(graph));
}

std::string export_model(const Graph& graph) {
  const int64_t opset = export_opset(graph);
  onnx::ModelProto model;
  model.set_ir_version(ir_version_for(opset));
  model.set_producer_name("tinyc");
  model.set_producer_version(TINYC_VERSION);
  if (!graph.doc.empty()) model.set_doc_string(graph.doc);
  write_opsets(graph, opset, model);
  for (const auto& [key, value] : graph.metadata) {
    auto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  GraphWriter(graph, opset).write({}, *model.mutable_graph());
  if (model.ByteSizeLong() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    throw Error(ErrorKind::kModel, "the result is larger than the 2 GB that an ONNX file can hold");
  }
  return serialize(model);
}

}  // namespace tinyc
