// Single tensors as .npy files: the inputs and outputs of `tinyc run`.
#pragma once

#include <filesystem>
#include <string>

#include "tinyc/ir/tensor.h"

namespace tinyc {

// Throws Error(kIo) when the file cannot be read or is damaged, Error(kUsage) for element types that tinyc does not
// read.
Tensor load_npy(const std::filesystem::path& path);
// The bytes of a .npy of version 1.0. Element types that NumPy does not have (bfloat16, int4, ...) are written as
// float32.
std::string to_npy(const Tensor& tensor);

}  // namespace tinyc
