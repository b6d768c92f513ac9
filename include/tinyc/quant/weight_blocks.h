// Scales for blocks of neighbouring inputs, for weights of few bits.
#pragma once

#include "tinyc/ir/quant_info.h"
#include "tinyc/quant/settings.h"

namespace tinyc {

// The axis of a weight along which its inputs lie, when blocks can: axis 1 behind output channels on axis 0, the other
// axis of a matrix. -1: there is none.
int block_axis(int channel_axis, int rank);

// Parameters by blocks of settings.weight_block along `axis` in place of `by_channel` (one scale an output channel).
// Those given come back where blocks change nothing: no more inputs than one block, or weights of more than 6 bits.
QParams block_params(const Tensor& weights, const QParams& by_channel, int axis, const QuantizationSettings& settings);

// A positive scale rounded up to 16 significant bits: times the factor and the level of a block it is exact in a float.
float short_scale(float scale);

}  // namespace tinyc
