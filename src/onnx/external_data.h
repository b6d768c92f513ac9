// Tensors whose bytes lie in a file beside the model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "onnx/proto.h"

namespace tinyc {

// The `bytes` bytes that the tensor's external_data entries point at. Only regular files below `folder` are read: an
// absolute location, a `..`, a symbolic link that leads out, and a range beyond the file's end are Error(kModel).
std::shared_ptr<const std::byte> read_external(const onnx::TensorProto& proto, const std::filesystem::path& folder,
                                               int64_t bytes);

}  // namespace tinyc
