// What the user asks of quantization, as plain data: the [quantization] table of a recipe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tinyc/ir/data_type.h"

namespace tinyc {

struct QuantizationSettings {
  int weight_bits = 8;   // 1..8; 1: binary, -1 and 1 times a scale
  bool ternary = false;  // weights of 2 bits have three levels, -1, 0 and 1, not four
  // 0: scales as per_channel says; else one for each output channel and so many neighbours along the inputs, in layers
  // with more inputs and weights of at most 6 bits. A multiple of 16 up to 256.
  int weight_block = 0;
  std::map<std::string, int, std::less<>> layer_bits;  // weight bits of single nodes, by name
  // Above 0: weights are rounded to be entropy coded, and about this share of the power of the model's outputs may
  // become noise.
  double weight_noise = 0;
  // 1..8: the weights of a layer take at most 2^codebook_bits different values (times their scales), whichever fit
  // best; 0: any of the grid.
  int codebook_bits = 0;
  // Weights of a row that an index of codebook_bits stands for together: so many neighbours among the inputs of a tap
  // (less where a layer is small), 1 to 64; 0: the taps of an input.
  int codebook_vector = 1;
  int codebook_groups = 1;           // of a layer's output channels, with a codebook each
  bool power_of_two_scales = false;  // of weights and activations; biases follow
  // kUint8, kInt8 or kInt16. uint8 and int8 are the same grid, 128 apart. onnxruntime on x86 wants uint8: where an int8
  // value has two readers, it leaves the layers around it in float.
  DataType activations = DataType::kUint8;
  bool per_channel = true;                 // one weight scale per output channel
  bool symmetric_activations = false;      // ranges of activations are [-r, r]
  std::string observer = "mse";            // ranges of activations; see `tinyc list observers`
  std::string weight_observer = "minmax";  // ranges of weights
  std::vector<std::string> skip;           // names of nodes that stay in float
};

// What a node's weights are quantized with: the settings, with the bits that the node is given.
inline QuantizationSettings settings_of_layer(const QuantizationSettings& settings, std::string_view node) {
  QuantizationSettings own = settings;
  const auto found = settings.layer_bits.find(node);
  if (found != settings.layer_bits.end()) own.weight_bits = found->second;
  return own;
}

}  // namespace tinyc
