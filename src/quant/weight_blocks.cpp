// Two levels of scales.
//
// Problem: with few levels one large weight costs all weights of its channel their resolution. A scale for each block
// of neighbouring inputs keeps the loss inside of the block, but sums over blocks of different scales are no integers.
// Method: scale = unit of the output channel * k, k a small integer of the block. Then w = unit * (k q), and k q is an
// integer of 8 bits: integer kernels see plain int8 weights with a scale for each channel, what is stored are q, k and
// the units. The largest block of a channel has the largest k that |k q| <= 127 allows (15 for 4 bits, 63 for 2), the
// others the nearest to what their largest weight asks for; a small block loses at most the half step that k rounds.
// Units have 16 significant bits, so that unit * k * q is exact in a float: every engine sees the same weights.
// Cost: one walk over the weights. Source: two-level scales as in VS-Quant, Dai et al., 2021 (arXiv:2102.04503).
#include "tinyc/quant/weight_blocks.h"

#include <algorithm>
#include <cmath>

#include "tinyc/ir/linear_quantization.h"
#include "tinyc/quant/fit_scales.h"
#include "tinyc/quant/params.h"

namespace tinyc {
namespace {

constexpr int kMostBits = 6;

// As rt/unpack_s8.h needs them: codes of up to 2 bits are stored in 2, of up to 4 in 4.
int32_t most_factor(int bits) {
  const int stored = bits <= 2 ? 2 : std::max(bits, 4);
  return 127 / (1 << (stored - 1));
}

// What each block's own largest weight asks for, or least squares where levels are few.
void choose_free_scales(const Tensor& weights, const QuantizationSettings& settings, QParams& params) {
  const ScaleIndex block_of(params, weights.dims());
  const std::span<const float> values = weights.data<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    float& scale = params.scales[block_of(static_cast<int64_t>(i))];
    scale = std::max(scale, std::abs(values[i]) / static_cast<float>(params.q_max));
  }
  if (!has_few_levels(params)) return;
  QuantizationSettings free = settings;
  free.power_of_two_scales = false;
  fit_scales(weights, free, params);
}

float unit_of(float largest, int32_t most, const QuantizationSettings& settings) {
  if (!settings.power_of_two_scales) return short_scale(largest / static_cast<float>(most));
  return power_of_two_above(largest) / std::exp2(std::floor(std::log2(static_cast<float>(most))));
}

// The factors on both sides of what a block asks for.
struct Factors {
  float below, above;
};

Factors factors_of(float scale, float unit, int32_t most, const QuantizationSettings& settings) {
  if (settings.power_of_two_scales) {
    const float only = std::max(power_of_two_above(scale / unit), 1.0F);
    return {only, only};
  }
  const auto within = [&](float factor) { return std::clamp(factor, 1.0F, static_cast<float>(most)); };
  return {within(std::floor(scale / unit)), within(std::ceil(scale / unit))};
}

// By block: the square error of rounding.
std::vector<double> block_errors(const Tensor& weights, const QParams& params) {
  const ScaleIndex block_of(params, weights.dims());
  const std::span<const float> values = weights.data<float>();
  std::vector<float> rounded(values.begin(), values.end());
  round_to_grid(rounded, weights.dims(), params);
  std::vector<double> errors(params.scales.size(), 0.0);
  for (size_t i = 0; i < values.size(); ++i) {
    const double difference = static_cast<double>(values[i]) - static_cast<double>(rounded[i]);
    errors[block_of(static_cast<int64_t>(i))] += difference * difference;
  }
  return errors;
}

}  // namespace

float short_scale(float scale) {
  int exponent = 0;
  const float fraction = std::frexp(scale, &exponent);
  return std::ldexp(std::ceil(std::ldexp(fraction, 16)), exponent - 16);
}

int block_axis(int channel_axis, int rank) {
  if (channel_axis < 0 || rank < 2) return -1;
  if (rank == 2) return 1 - channel_axis;
  return channel_axis == 0 ? 1 : -1;
}

QParams block_params(const Tensor& weights, const QParams& by_channel, int axis, const QuantizationSettings& settings) {
  const bool useful = settings.weight_block > 0 && settings.weight_bits <= kMostBits && axis >= 0 &&
                      by_channel.axis >= 0 && weights.dims()[static_cast<size_t>(axis)] > settings.weight_block;
  if (!useful) return by_channel;
  QParams params = by_channel;
  params.axis = axis;
  params.block = settings.weight_block;
  Dims dims = weights.dims();
  int64_t& along = dims[static_cast<size_t>(axis)];
  along = (along + params.block - 1) / params.block;
  constexpr float kNothing = 0x1p-100F;  // the scale of a block of zeros, before its channel's unit
  params.scales.assign(static_cast<size_t>(element_count(dims)), kNothing);
  params.zero_points.assign(params.scales.size(), 0);
  choose_free_scales(weights, settings, params);

  const ScaleIndex block_of(params, weights.dims());
  const ScaleIndex channel_of(by_channel, weights.dims());
  std::vector<size_t> channel_of_block(params.scales.size(), 0);
  std::vector<float> largest(by_channel.scales.size(), kNothing);
  for (int64_t i = 0; i < weights.size(); ++i) {
    const size_t block = block_of(i);
    const size_t channel = channel_of_block[block] = channel_of(i);
    largest[channel] = std::max(largest[channel], params.scales[block]);
  }
  const int32_t most = most_factor(settings.weight_bits);
  const float floor = *std::max_element(largest.begin(), largest.end()) * kSmallestScaleShare;
  QParams wider = params;
  for (size_t i = 0; i < params.scales.size(); ++i) {
    const float top = std::max(largest[channel_of_block[i]], floor);
    const float unit = unit_of(top, most, settings);
    const Factors factors = factors_of(params.scales[i], unit, most, settings);
    params.scales[i] = unit * factors.below;
    wider.scales[i] = unit * factors.above;
  }
  const std::vector<double> error = block_errors(weights, params), wider_error = block_errors(weights, wider);
  for (size_t i = 0; i < error.size(); ++i) {
    if (wider_error[i] < error[i]) params.scales[i] = wider.scales[i];
  }
  return params;
}

}  // namespace tinyc
