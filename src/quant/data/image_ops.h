// What Preprocess says, done to one sample.
#pragma once

#include <vector>

#include "tinyc/ir/shape.h"
#include "tinyc/quant/preprocess.h"

namespace tinyc {

enum class ChannelOrder : uint8_t {
  kKeep,      // as the data have it; the last three axes are channels, height, width
  kHwcToChw,  // data are height, width, channels; the model wants channels first
  kHwcToHwc,  // both have the channels last
};

// Dims of a sample after resize, crop and reordering. Throws Error(kUsage) when the sample is no image but should be,
// or when it is smaller than the crop.
Dims prepared_dims(const Dims& dims, const Preprocess& preprocess, ChannelOrder order);

// Throws Error(kUsage) unless mean and std have as many numbers as a prepared sample has channels (or one, or none).
void check_channels(const Dims& prepared, const Preprocess& preprocess, ChannelOrder order);

// `values` is a sample with these dims; the result has prepared_dims().
std::vector<float> prepare(std::vector<float> values, const Dims& dims, const Preprocess& preprocess,
                           ChannelOrder order);

}  // namespace tinyc
