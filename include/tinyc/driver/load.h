// Reading a model for any command: imported, and brought to the form that everything after import relies on.
#pragma once

#include <filesystem>

#include "tinyc/onnx/import.h"

namespace tinyc {

// Imports the model, infers all types and runs the passes of stage normalize. Errors carry the file's name.
Graph load_model(const std::filesystem::path& path, const ImportOptions& options = {});

}  // namespace tinyc
