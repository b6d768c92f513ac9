// From ranges to parameters: scale and zero point of activations, weights and biases.
//
// Source: ONNX QuantizeLinear; Jacob et al. 2018 (arXiv:1712.05877), section 2; the rules of docs/quantization.md.
#pragma once

#include <span>
#include <vector>

#include "tinyc/ir/quant_info.h"
#include "tinyc/quant/histogram.h"
#include "tinyc/quant/settings.h"

namespace tinyc {

// Of the largest scale of a layer's channels: below it an integer multiplier has too few bits left.
inline constexpr float kSmallestScaleShare = 0x1p-15F;

// Per-tensor parameters for values in [low, high], widened to hold 0. A range of nothing but 0 gives scale 1.
QParams activation_params(ValueRange range, const QuantizationSettings& settings);

// Per-tensor parameters of a result whose range [low, high) is known: the step is (high - low) / 2^bits, so that
// Softmax has scale 1/256.
QParams fixed_params(ValueRange range, const QuantizationSettings& settings);

// Weight parameters, zero point 0: scale = magnitude / q_max for each magnitude (largest |w| that is kept); `axis` is
// -1 for per tensor (one magnitude). The grid is -127..127 for 8 bits, all integers of the width for 2 to 7 (-8..7),
// -1..1 for ternary and {-1, 1} for 1 bit; up to 4 bits the storage is int4. A channel that is nearly all zero gets the
// kSmallestScaleShare of the tensor's largest scale; `raised` counts those.
QParams weight_params(std::span<const float> magnitudes, int axis, const QuantizationSettings& settings, int* raised);

// The least power of two that is no smaller; `scale` is positive and normal.
float power_of_two_above(float scale);

// In steps. A sum of 32 bits holds the products too, and kernels may shift it left where the result's grid is fine.
inline constexpr double kLargestBias = 0x1p28;

// Parameters of an int32 bias: scale = input_scale * weight scale of the channel. Where |bias| would be above
// kLargestBias, that channel's weight scale is raised (in `weight`) until it is not; `raised` counts those.
// `channel_of_bias[i]` is the index into weight.scales of bias element i.
QParams bias_params(std::span<const float> bias, float input_scale, std::span<const size_t> channel_of_bias,
                    QParams& weight, int* raised);

}  // namespace tinyc
