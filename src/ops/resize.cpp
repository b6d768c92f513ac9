// Resize: an operand sampled at other positions along some axes. Operands: X, roi, scales, sizes; either scales or
// sizes say the new dims. What an axis does is in resize_axis.h.
#include <algorithm>
#include <cmath>

#include "ops/code/bindings.h"
#include "ops/common_axes.h"
#include "ops/float_io.h"
#include "ops/infer_util.h"
#include "ops/movement.h"
#include "ops/resize_axis.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"antialias", 0},
                                        {"axes", AttributeType::kInts},
                                        {"coordinate_transformation_mode", "half_pixel"},
                                        {"cubic_coeff_a", -0.75F},
                                        {"exclude_outside", 0},
                                        {"extrapolation_value", 0.0F},
                                        {"keep_aspect_ratio_policy", "stretch"},
                                        {"mode", "nearest"},
                                        {"nearest_mode", "round_prefer_floor"}};
constexpr int kX = 0, kRoi = 1, kScales = 2, kSizes = 3;

int64_t size_from(float size) {
  constexpr float kTooLarge = 1e12F;
  if (!(size >= 0.0F && size < kTooLarge)) {
    throw Error(ErrorKind::kModel, "resizes a dimension to " + std::to_string(size) + " elements");
  }
  return static_cast<int64_t>(size);
}

// The one scale of all axes when the aspect ratio is kept: the smallest or the largest that the sizes ask for.
std::optional<float> common_scale(const Node& node, std::span<const int64_t> in, std::span<const int64_t> sizes) {
  const std::string_view policy = string_attr(node, "keep_aspect_ratio_policy");
  if (policy == "stretch") return std::nullopt;
  if (policy != "not_larger" && policy != "not_smaller") {
    throw Error(ErrorKind::kModel, "attribute 'keep_aspect_ratio_policy' is '" + std::string(policy) + "'");
  }
  std::vector<float> scales;
  for (size_t i = 0; i < in.size(); ++i) scales.push_back(static_cast<float>(sizes[i]) / static_cast<float>(in[i]));
  if (scales.empty()) return std::nullopt;
  return policy == "not_larger" ? *std::min_element(scales.begin(), scales.end())
                                : *std::max_element(scales.begin(), scales.end());
}

// The geometry of each listed axis for a known input. `scales` is empty where `sizes` are given.
std::vector<ResizeAxis> geometry(const Node& node, std::span<const int64_t> in, std::span<const float> scales,
                                 std::span<const int64_t> sizes) {
  std::vector<ResizeAxis> axes;
  const auto common = scales.empty() ? common_scale(node, in, sizes) : std::nullopt;
  for (size_t i = 0; i < in.size(); ++i) {
    ResizeAxis axis;
    axis.in = in[i];
    const auto size = static_cast<float>(in[i]);
    if (!scales.empty()) {
      axis.scale = scales[i];
      axis.out = size_from(std::floor(scales[i] * size));
    } else if (common) {
      axis.scale = *common;
      axis.out = size_from(std::floor(*common * size + 0.5F));
    } else {
      axis.out = sizes[i];
      axis.scale = static_cast<float>(axis.out) / size;
    }
    axis.resized_size = scales.empty() ? static_cast<float>(axis.out) : axis.scale * size;
    if (axis.out < 0 || (axis.in == 0 && axis.out > 0)) {
      throw Error(ErrorKind::kModel,
                  "resizes a dimension of " + std::to_string(axis.in) + " to " + std::to_string(axis.out));
    }
    axes.push_back(axis);
  }
  return axes;
}

void check_count(const InferContext& c, int operand, size_t count, size_t expected) {
  if (count == expected) return;
  c.fail_input(operand, "has " + std::to_string(count) + " elements for " + std::to_string(expected) + " axes");
}

bool is_given(const InferContext& c, int idx) {
  if (!c.has_input(idx)) return false;
  const Shape& shape = c.shape(idx);
  return !(shape.known() && shape.rank() == 1 && shape[0].value == 0);
}

// Dims of the listed axes, as far as they are known.
std::vector<Dim> resized_dims(const InferContext& c, std::span<const Dim> in) {
  const std::vector<Dim> open(in.size());
  const auto known_in = Shape(std::vector<Dim>(in.begin(), in.end())).known_dims();
  const bool stretch = string_attr(c.node(), "keep_aspect_ratio_policy") == "stretch";
  std::vector<float> scales;
  std::vector<int64_t> sizes;
  if (is_given(c, kScales)) {
    const Tensor* value = c.value(kScales);
    if (value == nullptr) return open;
    scales = value->to_float();
    check_count(c, kScales, scales.size(), in.size());
    if (!known_in) {
      std::vector<Dim> out;
      for (size_t i = 0; i < in.size(); ++i) {
        out.push_back(in[i].known()       ? size_from(std::floor(scales[i] * static_cast<float>(in[i].value)))
                      : scales[i] == 1.0F ? in[i]
                                          : Dim());
      }
      return out;
    }
  } else {
    const auto dims = sizes_value(c, kSizes);
    if (!dims) return open;
    check_count(c, kSizes, dims->dims().size(), in.size());
    if (stretch) return dims->dims();
    if (!dims->known() || !known_in) return open;
    sizes = *dims->known_dims();
  }
  std::vector<Dim> out;
  for (const ResizeAxis& axis : geometry(c.node(), *known_in, scales, sizes)) out.push_back(axis.out);
  return out;
}

void infer(InferContext& c) {
  const ResizeFilter checked(c.node());
  const Shape& shape = c.shape(kX);
  if (!is_given(c, kScales) && !is_given(c, kSizes)) throw Error(ErrorKind::kModel, "has neither scales nor sizes");
  if (!shape.ranked()) return c.set_output(0, c.dtype(kX), Shape::unranked());
  const std::vector<int> axes = listed_axes(c.node(), shape.rank());
  std::vector<Dim> in;
  for (const int axis : axes) in.push_back(shape[axis]);
  const std::vector<Dim> dims = resized_dims(c, in);
  Shape out = shape;
  for (size_t i = 0; i < axes.size(); ++i) out[axes[i]] = dims[i];
  c.set_output(0, c.dtype(kX), std::move(out));
}

void eval_nearest(EvalContext& c, const ResizeFilter& filter, std::span<const ResizeAxis> axes) {
  const Tensor& x = c.input(kX);
  Tensor& y = c.output(0);
  std::vector<AxisMap> maps;
  for (const ResizeAxis& axis : axes) maps.push_back(nearest_map(filter, axis));
  Tensor outside = Tensor::zeros(x.dtype(), {});
  const float extrapolation = float_attr(c.node(), "extrapolation_value");
  if (extrapolation != 0.0F) store_floats(std::span(&extrapolation, 1), outside);
  copy_mapped(element_bytes(x.dtype()), x.dims(), x.bytes(), maps, y.mutable_bytes(), outside.bytes());
}

// [outer, in, inner] to [outer, out, inner].
std::vector<float> resample(std::span<const float> x, int64_t outer, const ResizeAxis& axis, int64_t inner,
                            const ResizeTaps& taps) {
  std::vector<float> y(static_cast<size_t>(outer * axis.out * inner), 0.0F);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t at = 0; at < axis.out; ++at) {
      float* row = y.data() + (o * axis.out + at) * inner;
      for (int64_t k = at * taps.count; k < (at + 1) * taps.count; ++k) {
        const float weight = taps.weight[static_cast<size_t>(k)];
        const float* from = x.data() + (o * axis.in + taps.index[static_cast<size_t>(k)]) * inner;
        for (int64_t i = 0; i < inner; ++i) row[i] += weight * from[i];
      }
    }
  }
  return y;
}

// Writes the extrapolation value over [outer, out, inner] where the axis is outside.
void extrapolate(std::span<float> y, int64_t out, int64_t inner, const ResizeTaps& taps, float value) {
  for (size_t i = 0; i < y.size(); ++i) {
    if (taps.outside[i / static_cast<size_t>(inner) % static_cast<size_t>(out)]) y[i] = value;
  }
}

void eval_filtered(EvalContext& c, const ResizeFilter& filter, std::span<const ResizeAxis> axes) {
  std::vector<float> values = c.input(kX).to_float();
  std::vector<ResizeTaps> outside(axes.size());
  Dims dims = c.input(kX).dims();
  const auto rank = static_cast<int>(axes.size());
  for (int i = rank; i-- > 0;) {
    const ResizeAxis& axis = axes[static_cast<size_t>(i)];
    const bool cropped = filter.coordinates == ResizeFilter::Coordinates::kTfCropAndResize;
    if (axis.in == axis.out && axis.scale == 1.0F && !cropped) continue;
    ResizeTaps taps = filter_taps(filter, axis);
    values = resample(values, count_between(dims, 0, i), axis, count_between(dims, i + 1, rank), taps);
    dims[static_cast<size_t>(i)] = axis.out;
    if (std::find(taps.outside.begin(), taps.outside.end(), true) != taps.outside.end()) {
      outside[static_cast<size_t>(i)] = std::move(taps);
    }
  }
  for (int i = 0; i < rank; ++i) {
    const ResizeTaps& taps = outside[static_cast<size_t>(i)];
    if (taps.count == 0) continue;
    extrapolate(values, dims[static_cast<size_t>(i)], count_between(dims, i + 1, rank), taps,
                float_attr(c.node(), "extrapolation_value"));
  }
  store_floats(values, c.output(0));
}

void eval(EvalContext& c) {
  if (c.output(0).size() == 0) return;
  const ResizeFilter filter(c.node());
  const auto operand = [&](int idx) { return c.has_input(idx) ? &c.input(idx) : nullptr; };
  const std::vector<ResizeAxis> axes =
      resize_axes(c.node(), c.input(kX).dims(), operand(kRoi), operand(kScales), operand(kSizes));
  filter.mode == ResizeFilter::Mode::kNearest ? eval_nearest(c, filter, axes) : eval_filtered(c, filter, axes);
}

}  // namespace

std::vector<ResizeAxis> resize_axes(const Node& node, const Dims& dims, const Tensor* roi, const Tensor* scales,
                                    const Tensor* sizes) {
  const std::vector<int> listed = listed_axes(node, static_cast<int>(dims.size()));
  Dims in;
  for (const int axis : listed) in.push_back(dims[static_cast<size_t>(axis)]);
  const bool has_scales = scales != nullptr && scales->size() > 0;
  const std::vector<ResizeAxis> resized =
      has_scales ? geometry(node, in, scales->to_float(), {}) : geometry(node, in, {}, sizes->to_int64());
  const std::vector<float> regions = roi != nullptr ? roi->to_float() : std::vector<float>();
  std::vector<ResizeAxis> axes;
  for (const int64_t size : dims) axes.push_back({size, size, 1.0F, static_cast<float>(size), 0.0F, 1.0F});
  for (size_t i = 0; i < listed.size(); ++i) {
    ResizeAxis& axis = axes[static_cast<size_t>(listed[i])];
    axis = resized[i];
    if (regions.size() == 2 * listed.size()) {
      axis.roi_begin = regions[i];
      axis.roi_end = regions[i + listed.size()];
    }
  }
  return axes;
}

extern const OpDef k_resize{
    .name = "Resize",
    .inputs = {1, 4},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .code = code_resize,
    // Sizes may name the channels' number.
    .axes = [](const AxesContext& c) { return c.has(kSizes) ? std::nullopt : plane_axes(c); },
    .quant = {.kind = QuantKind::kSameAsInput, .scaling = Scaling::kPool},
};

}  // namespace tinyc
