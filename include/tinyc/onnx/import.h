// Reading models: an ONNX file becomes a Graph whose nodes all have the form of opset 21.
//
// The file is untrusted. Whatever is wrong with it is an Error(kModel) that names file, node and operand; a file that
// cannot be opened is an Error(kIo). Types are set as far as they are declared or follow from what is known at import;
// infer_types() completes and judges them, once constant conditions are gone.
//
// Source of the format: onnx.proto and IR.md of the ONNX project.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tinyc/ir/graph.h"

namespace tinyc {

struct ImportOptions {
  // Sizes of open dimensions: by symbol ("batch"), or by input and axis ("x:0") where there is no symbol.
  // Each must occur in the model, else Error(kUsage).
  std::map<std::string, int64_t, std::less<>> dims;
  // Inputs that become constants: "16000", or "1,2,3"; a single number fills all elements of a known shape.
  std::map<std::string, std::string, std::less<>> fixed;
};

// Reads the model and its external data, which must lie below the folder of `path`.
Graph import_model(const std::filesystem::path& path, const ImportOptions& options = {});

// The same for a model in memory; `folder` is where its external data may be (empty: it may have none).
Graph import_model_bytes(std::string_view bytes, const std::filesystem::path& folder = {},
                         const ImportOptions& options = {});

// The files beside the model that hold its external data, sorted.
std::vector<std::filesystem::path> external_files(const std::filesystem::path& path);

// Reads a serialized TensorProto: the form of the input_0.pb files of ONNX test sets.
Tensor load_tensor_pb(const std::filesystem::path& path);

}  // namespace tinyc
