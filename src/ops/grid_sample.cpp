// GridSample: an image [N, C, axes...] sampled at the points of a grid [N, points..., one coordinate per axis, the last
// axis first]; -1 and 1 are the ends of an axis. Between elements: the nearest, linear, or cubic (a = -0.75); beyond
// the ends: zeros, the border, or the reflection. After the Spatial Transformer of Jaderberg et al., 2015.
//
// Filters are separable: the taps of a point are the products of the taps of its axes, found once for all channels.
#include <algorithm>
#include <cmath>

#include "ops/float_io.h"
#include "ops/infer_util.h"
#include "ops/keys_cubic.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"align_corners", 0}, {"mode", "linear"}, {"padding_mode", "zeros"}};

constexpr float kCubicA = -0.75F;

enum class Mode : uint8_t { kNearest, kLinear, kCubic };
enum class Padding : uint8_t { kZeros, kBorder, kReflection };

struct Sampler {
  Mode mode;
  Padding padding;
  bool align_corners;

  explicit Sampler(const Node& node) : align_corners(int_attr(node, "align_corners") != 0) {
    const std::string_view name = string_attr(node, "mode");
    const std::string_view pad = string_attr(node, "padding_mode");
    if (name != "nearest" && name != "linear" && name != "bilinear" && name != "cubic" && name != "bicubic") {
      throw Error(ErrorKind::kModel, "attribute 'mode' is '" + std::string(name) + "'");
    }
    if (pad != "zeros" && pad != "border" && pad != "reflection") {
      throw Error(ErrorKind::kModel, "attribute 'padding_mode' is '" + std::string(pad) + "'");
    }
    mode = name == "nearest" ? Mode::kNearest : name.ends_with("linear") ? Mode::kLinear : Mode::kCubic;
    padding = pad == "zeros" ? Padding::kZeros : pad == "border" ? Padding::kBorder : Padding::kReflection;
  }
};

// An input element, by its offset in a plane, and its weight.
struct Tap {
  int64_t offset;
  float weight;
};

// x mirrored at low and high until it lies between them.
float reflect(float x, float low, float high) {
  const float range = high - low;
  if (!(range > 0.0F)) return low;
  const float beyond = x < low ? low - x : x - high;
  if (beyond <= 0.0F) return x;
  const float turns = std::floor(beyond / range);
  const float rest = beyond - turns * range;
  const bool from_low = (std::fmod(turns, 2.0F) == 0.0F) == (x < low);
  return from_low ? low + rest : high - rest;
}

// One axis of an image.
struct Axis {
  const Sampler& sampler;
  int64_t size;
  int64_t stride;
  float low() const { return sampler.align_corners ? 0.0F : -0.5F; }
  float high() const { return static_cast<float>(size) - (sampler.align_corners ? 1.0F : 0.5F); }

  float position(float coordinate) const {
    constexpr float kFar = 1e6F;
    const auto length = static_cast<float>(size);
    const float x = sampler.align_corners ? (coordinate + 1.0F) / 2.0F * (length - 1.0F)
                                          : ((coordinate + 1.0F) * length - 1.0F) / 2.0F;
    return std::isnan(x) ? -kFar : std::clamp(x, -kFar, length + kFar);
  }

  // The place of element idx, which may lie beyond the ends; -1 for a zero.
  int64_t resolve(int64_t idx) const {
    if (idx >= 0 && idx < size) return idx;
    if (sampler.padding == Padding::kZeros) return -1;
    if (sampler.padding == Padding::kBorder) return std::clamp<int64_t>(idx, 0, size - 1);
    return std::clamp<int64_t>(static_cast<int64_t>(reflect(static_cast<float>(idx), low(), high())), 0, size - 1);
  }
};

// Multiplies the taps so far with those of one more axis.
std::vector<Tap> extend(const std::vector<Tap>& taps, const Axis& axis, float coordinate) {
  const float x = axis.position(coordinate);
  const auto base = static_cast<int64_t>(std::floor(x));
  const float ratio = x - std::floor(x);
  std::vector<Tap> along;
  const auto add = [&](int64_t idx, float weight) {
    const int64_t at = axis.resolve(idx);
    if (at >= 0) along.push_back({at * axis.stride, weight});
  };
  switch (axis.sampler.mode) {
    case Mode::kNearest:
      add(static_cast<int64_t>(std::nearbyint(x)), 1.0F);
      break;
    case Mode::kLinear:
      add(base, 1.0F - ratio);
      add(base + 1, ratio);
      break;
    case Mode::kCubic:
      for (int64_t k = -1; k <= 2; ++k) add(base + k, keys_cubic(static_cast<float>(k) - ratio, kCubicA));
      break;
  }
  std::vector<Tap> product;
  for (const Tap& tap : taps) {
    for (const Tap& other : along) product.push_back({tap.offset + other.offset, tap.weight * other.weight});
  }
  return product;
}

void infer(InferContext& c) {
  const Sampler checked(c.node());
  const Shape& image = c.shape(0);
  const Shape& grid = c.shape(1);
  if (!image.ranked() || !grid.ranked()) return c.set_output(0, c.dtype(0), Shape::unranked());
  if (image.rank() < 3) c.fail_input(0, "has rank " + std::to_string(image.rank()) + ", expected 3 or more");
  c.require_rank(1, image.rank());
  const Dim& coordinates = grid[grid.rank() - 1];
  if (coordinates.known() && coordinates.value != image.rank() - 2) {
    c.fail_input(1, "has points of " + std::to_string(coordinates.value) + " coordinates");
  }
  Shape out = {merge(image[0], grid[0]), image[1]};
  for (int i = 1; i + 1 < grid.rank(); ++i) out.push_back(grid[i]);
  c.set_output(0, c.dtype(0), std::move(out));
}

void eval(EvalContext& c) {
  const Sampler sampler(c.node());
  const FloatInput image(c.input(0));
  const FloatInput grid(c.input(1));
  FloatOutput out(c.output(0));
  const Dims& dims = c.input(0).dims();
  const Dims spatial(dims.begin() + 2, dims.end());
  const Dims strides = strides_of(spatial);
  const int64_t plane = element_count(spatial);
  if (plane == 0 && out.size() > 0) throw Error(ErrorKind::kModel, "input 0 has no elements to sample");
  const int64_t points = count_between(c.output(0).dims(), 2, c.output(0).rank());
  for (int64_t sample = 0; sample < dims[0]; ++sample) {
    for (int64_t point = 0; point < points; ++point) {
      const auto rank = static_cast<int64_t>(spatial.size());
      const float* coordinates = grid.data() + (sample * points + point) * rank;
      std::vector<Tap> taps = {{0, 1.0F}};
      for (size_t i = 0; i < spatial.size(); ++i) {
        taps = extend(taps, {sampler, spatial[i], strides[i]}, coordinates[static_cast<size_t>(rank) - 1 - i]);
      }
      for (int64_t channel = sample * dims[1]; channel < (sample + 1) * dims[1]; ++channel) {
        float sum = 0.0F;
        for (const Tap& tap : taps) sum += tap.weight * image[channel * plane + tap.offset];
        out[channel * points + point] = sum;
      }
    }
  }
  out.store();
}

}  // namespace

extern const OpDef k_grid_sample{
    .name = "GridSample",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = "its grid of sampling points needs the precision of floats"},
};

}  // namespace tinyc
