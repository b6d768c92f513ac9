#include "ops/resize_axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "ops/keys_cubic.h"

namespace tinyc {
namespace {

using Coordinates = ResizeFilter::Coordinates;
using Mode = ResizeFilter::Mode;
using Nearest = ResizeFilter::Nearest;

template <typename T, size_t kCount>
T named(const Node& node, std::string_view attribute, const std::array<std::pair<std::string_view, T>, kCount>& known) {
  const std::string_view name = string_attr(node, attribute);
  for (const auto& [text, value] : known) {
    if (text == name) return value;
  }
  throw Error(ErrorKind::kModel, "attribute '" + std::string(attribute) + "' is '" + std::string(name) + "'");
}

constexpr std::array<std::pair<std::string_view, Coordinates>, 7> kCoordinates = {{
    {"half_pixel", Coordinates::kHalfPixel},
    {"half_pixel_symmetric", Coordinates::kHalfPixelSymmetric},
    {"pytorch_half_pixel", Coordinates::kPytorchHalfPixel},
    {"align_corners", Coordinates::kAlignCorners},
    {"asymmetric", Coordinates::kAsymmetric},
    {"tf_crop_and_resize", Coordinates::kTfCropAndResize},
    {"tf_half_pixel_for_nn", Coordinates::kTfHalfPixelForNn},
}};
constexpr std::array<std::pair<std::string_view, Mode>, 3> kModes = {
    {{"nearest", Mode::kNearest}, {"linear", Mode::kLinear}, {"cubic", Mode::kCubic}}};
constexpr std::array<std::pair<std::string_view, Nearest>, 4> kNearest = {{
    {"round_prefer_floor", Nearest::kRoundPreferFloor},
    {"round_prefer_ceil", Nearest::kRoundPreferCeil},
    {"floor", Nearest::kFloor},
    {"ceil", Nearest::kCeil},
}};

// Where output element `at` lies on the input axis.
float source(Coordinates mode, const ResizeAxis& axis, int64_t at) {
  const auto x = static_cast<float>(at);
  const auto in = static_cast<float>(axis.in);
  const auto out = static_cast<float>(axis.out);
  switch (mode) {
    case Coordinates::kHalfPixel:
      return (x + 0.5F) / axis.scale - 0.5F;
    case Coordinates::kHalfPixelSymmetric: {
      const float offset = in / 2.0F * (1.0F - out / axis.resized_size);
      return offset + (x + 0.5F) / axis.scale - 0.5F;
    }
    case Coordinates::kPytorchHalfPixel:
      return axis.out > 1 ? (x + 0.5F) / axis.scale - 0.5F : 0.0F;
    case Coordinates::kAlignCorners:
      return axis.out > 1 ? x * (in - 1.0F) / (out - 1.0F) : 0.0F;
    case Coordinates::kAsymmetric:
      return x / axis.scale;
    case Coordinates::kTfHalfPixelForNn:
      return (x + 0.5F) / axis.scale;
    case Coordinates::kTfCropAndResize:
      return axis.out > 1
                 ? axis.roi_begin * (in - 1.0F) + x * (axis.roi_end - axis.roi_begin) * (in - 1.0F) / (out - 1.0F)
                 : 0.5F * (axis.roi_begin + axis.roi_end) * (in - 1.0F);
  }
  return x;
}

bool is_outside(Coordinates mode, const ResizeAxis& axis, float x) {
  return mode == Coordinates::kTfCropAndResize && !(x >= 0.0F && x <= static_cast<float>(axis.in - 1));
}

// A coordinate as a whole number; far ones (an untrusted scale or region can put them anywhere) are held near the axis.
int64_t whole(float x, int64_t size) {
  const auto limit = static_cast<float>(size) + 16.0F;
  return std::isnan(x) ? 0 : static_cast<int64_t>(std::clamp(x, -limit, limit));
}

float rounded(Nearest mode, float x) {
  const bool tie = x - std::floor(x) == 0.5F;
  switch (mode) {
    case Nearest::kRoundPreferFloor:
      return tie ? std::floor(x) : std::round(x);
    case Nearest::kRoundPreferCeil:
      return tie ? std::ceil(x) : std::round(x);
    case Nearest::kFloor:
      return std::floor(x);
    case Nearest::kCeil:
      return std::ceil(x);
  }
  return x;
}

float triangle(float distance) {
  return std::max(1.0F - std::abs(distance), 0.0F);
}

void normalize(float* weights, int64_t count) {
  float sum = 0.0F;
  for (int64_t k = 0; k < count; ++k) sum += weights[k];
  if (sum == 0.0F) return;
  for (int64_t k = 0; k < count; ++k) weights[k] /= sum;
}

}  // namespace

ResizeFilter::ResizeFilter(const Node& node)
    : coordinates(named(node, "coordinate_transformation_mode", kCoordinates)),
      mode(named(node, "mode", kModes)),
      nearest(named(node, "nearest_mode", kNearest)),
      cubic_a(float_attr(node, "cubic_coeff_a")),
      exclude_outside(int_attr(node, "exclude_outside") != 0),
      antialias(int_attr(node, "antialias") != 0) {}

std::vector<int64_t> nearest_map(const ResizeFilter& filter, const ResizeAxis& axis) {
  std::vector<int64_t> map;
  for (int64_t at = 0; at < axis.out; ++at) {
    const float x = source(filter.coordinates, axis, at);
    const int64_t from = std::clamp<int64_t>(whole(rounded(filter.nearest, x), axis.in), 0, axis.in - 1);
    map.push_back(is_outside(filter.coordinates, axis, x) ? -1 : from);
  }
  return map;
}

ResizeTaps filter_taps(const ResizeFilter& filter, const ResizeAxis& axis) {
  constexpr float kSmallestScale = 1.0F / 65536.0F;
  const float squeeze = filter.antialias ? std::clamp(axis.scale, kSmallestScale, 1.0F) : 1.0F;
  const float radius = filter.mode == Mode::kLinear ? 1.0F : 2.0F;
  const auto first = static_cast<int64_t>(std::floor(-radius / squeeze)) + 1;
  ResizeTaps taps;
  taps.count = 2 - 2 * first;
  for (int64_t at = 0; at < axis.out; ++at) {
    const float x = source(filter.coordinates, axis, at);
    const int64_t base = whole(std::floor(x), axis.in);
    const float ratio = x - std::floor(x);
    for (int64_t k = 0; k < taps.count; ++k) {
      const float distance = (static_cast<float>(first + k) - ratio) * squeeze;
      const int64_t from = base + first + k;
      const bool dropped = filter.exclude_outside && (from < 0 || from >= axis.in);
      const float weight = filter.mode == Mode::kLinear ? triangle(distance) : keys_cubic(distance, filter.cubic_a);
      taps.weight.push_back(dropped ? 0.0F : weight);
      taps.index.push_back(std::clamp<int64_t>(from, 0, axis.in - 1));
    }
    if (filter.antialias || filter.exclude_outside)
      normalize(&taps.weight[taps.weight.size() - static_cast<size_t>(taps.count)], taps.count);
    taps.outside.push_back(is_outside(filter.coordinates, axis, x));
  }
  return taps;
}

}  // namespace tinyc
