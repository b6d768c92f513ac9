#include "tinyc/quant/params.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

struct WeightGrid {
  int32_t q_min, q_max, q_step;
};

// -128 is left out, so that a product of two weights' magnitudes and their sums have one bound less to prove.
WeightGrid weight_grid(const QuantizationSettings& settings) {
  const int bits = settings.weight_bits;
  TINYC_CHECK(bits >= 1 && bits <= 8);
  if (bits == 1) return {-1, 1, 2};
  if (bits == 2 && settings.ternary) return {-1, 1, 1};
  const int32_t half = 1 << (bits - 1);
  return {bits == 8 ? -127 : -half, half - 1, 1};
}

QParams per_tensor(DataType storage, float scale, int32_t zero_point, int64_t q_min, int64_t q_max) {
  QParams params;
  params.storage = storage;
  params.scales = {scale};
  params.zero_points = {zero_point};
  params.q_min = static_cast<int32_t>(q_min);
  params.q_max = static_cast<int32_t>(q_max);
  return params;
}

float rounded_scale(float scale, const QuantizationSettings& settings) {
  return settings.power_of_two_scales ? power_of_two_above(scale) : scale;
}

}  // namespace

float power_of_two_above(float scale) {
  int exponent = 0;
  const float fraction = std::frexp(scale, &exponent);  // in [0.5, 1)
  return std::ldexp(1.0F, fraction == 0.5F ? exponent - 1 : exponent);
}

QParams activation_params(ValueRange range, const QuantizationSettings& settings) {
  const DataType storage = settings.activations;
  const double low = std::min(static_cast<double>(range.low), 0.0);
  const double high = std::max(static_cast<double>(range.high), 0.0);
  const auto q_min = static_cast<double>(min_of(storage));
  const auto q_max = static_cast<double>(max_of(storage));
  if (settings.symmetric_activations) {
    const double steps = std::floor((q_max - q_min) / 2);  // 127 on either side
    const auto zero_point = static_cast<int32_t>(std::ceil((q_min + q_max) / 2));
    const double magnitude = std::max(-low, high);
    const float scale = rounded_scale(static_cast<float>(magnitude > 0 ? magnitude / steps : 1.0), settings);
    return per_tensor(storage, scale, zero_point, zero_point - static_cast<int64_t>(steps),
                      zero_point + static_cast<int64_t>(steps));
  }
  const auto exact = static_cast<float>((high - low) / (q_max - q_min));
  if (!(exact >= std::numeric_limits<float>::min()))
    return per_tensor(storage, 1.0F, 0, min_of(storage), max_of(storage));
  const float scale = rounded_scale(exact, settings);
  const double zero_point = std::nearbyint(q_min - low / static_cast<double>(scale));
  return per_tensor(storage, scale, static_cast<int32_t>(std::clamp(zero_point, q_min, q_max)), min_of(storage),
                    max_of(storage));
}

QParams fixed_params(ValueRange range, const QuantizationSettings& settings) {
  const DataType storage = settings.activations;
  if (settings.symmetric_activations) return activation_params(range, settings);
  const double scale =
      (static_cast<double>(range.high) - static_cast<double>(range.low)) / std::ldexp(1.0, bits_of(storage));
  const double zero_point = static_cast<double>(min_of(storage)) - static_cast<double>(range.low) / scale;
  return per_tensor(storage, static_cast<float>(scale), static_cast<int32_t>(std::nearbyint(zero_point)),
                    min_of(storage), max_of(storage));
}

QParams weight_params(std::span<const float> magnitudes, int axis, const QuantizationSettings& settings, int* raised) {
  TINYC_CHECK(!magnitudes.empty());
  const WeightGrid grid = weight_grid(settings);
  const auto steps = static_cast<float>(grid.q_max);
  const float largest = *std::max_element(magnitudes.begin(), magnitudes.end());
  const float floor = std::max(largest * kSmallestScaleShare, std::numeric_limits<float>::min() * steps);
  QParams params;
  params.storage = settings.weight_bits <= 4 ? DataType::kInt4 : DataType::kInt8;
  params.axis = axis;
  params.q_min = grid.q_min;
  params.q_max = grid.q_max;
  params.q_step = grid.q_step;
  params.zero_points.assign(magnitudes.size(), 0);
  for (float magnitude : magnitudes) {
    if (magnitude < floor && raised != nullptr) ++*raised;
    const float kept = largest > 0.0F ? std::max(magnitude, floor) : steps;
    params.scales.push_back(rounded_scale(kept / steps, settings));
  }
  return params;
}

QParams bias_params(std::span<const float> bias, float input_scale, std::span<const size_t> channel_of_bias,
                    QParams& weight, int* raised) {
  constexpr double kMargin = 1.0001;  // the bias is divided by a float32 product, so leave room for its rounding
  for (size_t i = 0; i < bias.size(); ++i) {
    float& scale = weight.scales[channel_of_bias[i]];
    const double smallest = kMargin * std::abs(static_cast<double>(bias[i])) / kLargestBias;
    if (static_cast<double>(input_scale * scale) >= smallest) continue;
    const double needed = smallest / static_cast<double>(input_scale) * kMargin;
    scale *= power_of_two_above(static_cast<float>(needed / static_cast<double>(scale)));
    if (raised != nullptr) ++*raised;
  }
  QParams params;
  params.storage = DataType::kInt32;
  params.axis = weight.axis < 0 ? -1 : 0;
  params.q_min = static_cast<int32_t>(min_of(DataType::kInt32));
  params.q_max = static_cast<int32_t>(max_of(DataType::kInt32));
  if (params.axis < 0) {
    params.scales = {input_scale * weight.scales[0]};
  } else {
    for (size_t channel : channel_of_bias) params.scales.push_back(input_scale * weight.scales[channel]);
  }
  params.zero_points.assign(params.scales.size(), 0);
  return params;
}

}  // namespace tinyc
