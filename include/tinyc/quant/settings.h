// What the user asks of quantization, as plain data: the [quantization] table of a recipe.
#pragma once

#include <string>
#include <vector>

#include "tinyc/ir/data_type.h"

namespace tinyc {

struct QuantizationSettings {
  int weight_bits = 8;  // 2..8, stored in int8
  // kUint8, kInt8 or kInt16. uint8 and int8 are the same grid, 128 apart. onnxruntime on x86 wants uint8: where an int8
  // value has two readers, it leaves the layers around it in float.
  DataType activations = DataType::kUint8;
  bool per_channel = true;                 // one weight scale per output channel
  bool symmetric_activations = false;      // ranges of activations are [-r, r]
  std::string observer = "mse";            // ranges of activations; see `tinyc list observers`
  std::string weight_observer = "minmax";  // ranges of weights
  std::vector<std::string> skip;           // names of nodes that stay in float
};

}  // namespace tinyc
