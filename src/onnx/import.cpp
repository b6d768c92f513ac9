// From a file to a Graph: read, check what concerns the whole model, build, then apply what the user bound.
#include "tinyc/onnx/import.h"

#include "onnx/graph_builder.h"
#include "onnx/tensor_proto.h"
#include "tinyc/base/error.h"
#include "tinyc/base/text.h"

namespace tinyc {
namespace {

namespace fs = std::filesystem;

// "x:0": axis 0 of input x. Applied to the declared types, before anything is built on them.
void bind_axes(onnx::GraphProto& graph, DimBindings& bindings) {
  for (auto& input : *graph.mutable_input()) {
    auto* shape = input.mutable_type()->has_tensor_type() && input.type().tensor_type().has_shape()
                      ? input.mutable_type()->mutable_tensor_type()->mutable_shape()
                      : nullptr;
    for (int axis = 0; shape != nullptr && axis < shape->dim_size(); ++axis) {
      const auto bound = bindings.sizes.find(input.name() + ":" + std::to_string(axis));
      if (bound == bindings.sizes.end() || shape->dim(axis).has_dim_value()) continue;
      shape->mutable_dim(axis)->set_dim_value(bound->second);
      bindings.used.insert(bound->first);
    }
  }
}

void check_bindings(const DimBindings& bindings, const Graph& graph) {
  std::vector<std::string_view> symbols;
  for (const ValueId id : graph.inputs) {
    for (const Dim& dim : graph[id].type.shape.dims()) {
      if (!dim.symbol.empty()) symbols.push_back(dim.symbol);
    }
  }
  for (const auto& [name, size] : bindings.sizes) {
    if (size <= 0) throw Error(ErrorKind::kUsage, "dimension '" + name + "' is given the size " + std::to_string(size));
    if (bindings.used.contains(name)) continue;
    throw Error(ErrorKind::kUsage, "the model has no open dimension '" + name + "'",
                symbols.empty() ? "every dimension of its inputs is fixed, or has no name: say input:axis=size"
                                : spelling_hint(name, symbols));
  }
}

Graph to_graph(onnx::ModelProto& model, const fs::path& folder, const ImportOptions& options) {
  if (!model.has_graph()) {
    throw Error(ErrorKind::kModel, "the file is not an ONNX model: it holds no graph", "pass a file in ONNX format");
  }
  const FunctionTable functions(model);
  ModelContext context{.functions = functions,
                       .folder = folder,
                       .dims = {.sizes = options.dims, .used = {}},
                       .fixed = {options.fixed, {}}};
  Opsets opsets = read_opsets(model.opset_import());
  if (model.opset_import_size() == 0) opsets[""] = 1;  // the format's rule for IR version 2 and before
  bind_axes(*model.mutable_graph(), context.dims);
  GraphBuilder builder(context, opsets);
  builder.build(model.graph());
  Graph graph = builder.take();
  check_bindings(context.dims, graph);
  context.fixed.check(graph);
  graph.opsets = std::move(opsets);
  graph.doc = model.doc_string();
  for (const auto& entry : model.metadata_props()) graph.metadata.emplace_back(entry.key(), entry.value());
  return graph;
}

}  // namespace

Graph import_model(const fs::path& path, const ImportOptions& options) {
  return with_context([&] { return path.string(); },
                      [&] {
                        onnx::ModelProto model;
                        read_message(path, "an ONNX model", model);
                        return to_graph(model, path.has_parent_path() ? path.parent_path() : fs::path("."), options);
                      });
}

Graph import_model_bytes(std::string_view bytes, const fs::path& folder, const ImportOptions& options) {
  onnx::ModelProto model;
  if (!parse_message(bytes, model)) {
    throw Error(ErrorKind::kModel, "the bytes are not an ONNX model (not a protobuf, or truncated)");
  }
  return to_graph(model, folder, options);
}

Tensor load_tensor_pb(const fs::path& path) {
  return with_context([&] { return path.string(); },
                      [&] {
                        onnx::TensorProto proto;
                        read_message(path, "an ONNX tensor", proto);
                        return to_tensor(proto, path.parent_path());
                      });
}

}  // namespace tinyc
