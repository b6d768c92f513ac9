// Constants on their way in: the value of a Constant node, and what no constant may hold.
#pragma once

#include <filesystem>

#include "onnx/proto.h"
#include "tinyc/ir/tensor.h"

namespace tinyc {

// The tensor that a Constant node's one attribute stands for.
Tensor constant_value(const onnx::AttributeProto& attribute, const std::filesystem::path& folder);

// Throws Error(kModel) for a NaN, and for an infinity among ordinary numbers. A tensor of zeros and infinities alone is
// a mask or a limit, and may pass.
void check_finite(const Tensor& tensor);

}  // namespace tinyc
