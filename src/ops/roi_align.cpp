// RoiAlign: each region of interest cut into a grid of bins; a bin is the mean (or maximum) of bilinear samples spread
// over it. X [N, C, H, W], rois [regions, 4] (x0, y0, x1, y1), batch_indices [regions]. (Mask R-CNN, He et al., 2017)
//
// The samples of a region are the same for all channels, so their taps are found once. In max mode each of the four
// taps of a sample counts on its own, as in onnxruntime and the ONNX test vectors.
#include <algorithm>
#include <array>
#include <cmath>

#include "ops/float_io.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"coordinate_transformation_mode", "half_pixel"},
                                        {"mode", "avg"},
                                        {"output_height", 1},
                                        {"output_width", 1},
                                        {"sampling_ratio", 0},
                                        {"spatial_scale", 1.0F}};

struct Sample {
  std::array<int64_t, 4> offset{};
  std::array<float, 4> weight{};
};

// A coordinate between two elements of an axis, held to the axis; outside by more than one element it counts nothing.
struct Between {
  int64_t low = 0, high = 0;
  float part = 0.0F;  // of the high one
  bool inside = true;
  Between(float x, int64_t size) : inside(x >= -1.0F && x <= static_cast<float>(size)) {
    if (!inside) return;
    const float held = std::clamp(x, 0.0F, static_cast<float>(size - 1));
    low = static_cast<int64_t>(held);
    high = std::min(low + 1, size - 1);
    part = high == low ? 0.0F : held - static_cast<float>(low);
  }
};

Sample bilinear(float y, float x, int64_t height, int64_t width) {
  const Between row(y, height);
  const Between column(x, width);
  if (!row.inside || !column.inside) return {};
  return {{row.low * width + column.low, row.low * width + column.high, row.high * width + column.low,
           row.high * width + column.high},
          {(1.0F - row.part) * (1.0F - column.part), (1.0F - row.part) * column.part, row.part * (1.0F - column.part),
           row.part * column.part}};
}

// One axis of a region: where it begins, how long its bins are, and how many samples each has.
struct Extent {
  float begin, bin;
  int64_t samples;
  Extent(float from, float to, int64_t bins, const Node& node) {
    const bool half_pixel = string_attr(node, "coordinate_transformation_mode") == "half_pixel";
    const float scale = float_attr(node, "spatial_scale");
    begin = from * scale - (half_pixel ? 0.5F : 0.0F);
    float length = (to - from) * scale;
    if (!half_pixel) length = std::max(length, 1.0F);
    bin = length / static_cast<float>(bins);
    constexpr float kMostSamples = 4096.0F;
    const int64_t ratio = int_attr(node, "sampling_ratio");
    const float wanted = ratio > 0 ? static_cast<float>(ratio) : std::ceil(bin);
    if (!(wanted <= kMostSamples)) throw Error(ErrorKind::kModel, "a region is too large to sample");
    samples = std::max<int64_t>(static_cast<int64_t>(wanted), 0);
  }
  float at(int64_t which, int64_t sample) const {
    return begin + static_cast<float>(which) * bin +
           (static_cast<float>(sample) + 0.5F) * bin / static_cast<float>(samples);
  }
};

void infer(InferContext& c) {
  c.require_rank(0, 4);
  c.require_rank(1, 2);
  c.require_rank(2, 1);
  const Shape& rois = c.shape(1);
  if (rois.ranked() && rois[1].known() && rois[1].value != 4) c.fail_input(1, "does not have four columns");
  const int64_t height = int_attr(c.node(), "output_height");
  const int64_t width = int_attr(c.node(), "output_width");
  if (height < 1 || width < 1) throw Error(ErrorKind::kModel, "attributes ask for an empty output");
  const std::string_view mode = string_attr(c.node(), "mode");
  if (mode != "avg" && mode != "max") throw Error(ErrorKind::kModel, "attribute 'mode' is '" + std::string(mode) + "'");
  const Dim regions = rois.ranked() ? rois[0] : Dim();
  const Dim listed = c.shape(2).ranked() ? c.shape(2)[0] : Dim();
  c.set_output(0, c.dtype(0), {merge(regions, listed), c.shape(0).ranked() ? c.shape(0)[1] : Dim(), height, width});
}

float pooled(std::span<const Sample> samples, const float* plane, bool maximum) {
  if (samples.empty()) return 0.0F;
  float result = maximum ? -std::numeric_limits<float>::infinity() : 0.0F;
  for (const Sample& sample : samples) {
    for (size_t k = 0; k < 4; ++k) {
      const float value = sample.weight[k] * plane[sample.offset[k]];
      result = maximum ? std::max(result, value) : result + value;
    }
  }
  return maximum ? result : result / static_cast<float>(samples.size());
}

void eval(EvalContext& c) {
  const FloatInput x(c.input(0));
  const FloatInput rois(c.input(1));
  const auto batch = c.input(2).to_int64();
  FloatOutput out(c.output(0));
  const Dims& in = c.input(0).dims();
  const Dims& dims = c.output(0).dims();
  const bool maximum = string_attr(c.node(), "mode") == "max";
  const int64_t plane = in[2] * in[3];
  if (plane == 0) throw Error(ErrorKind::kModel, "input 0 has no elements to sample");
  std::vector<Sample> samples;
  for (int64_t region = 0; region < dims[0]; ++region) {
    const Extent rows(rois[region * 4 + 1], rois[region * 4 + 3], dims[2], c.node());
    const Extent columns(rois[region * 4], rois[region * 4 + 2], dims[3], c.node());
    const int64_t image = checked_index(batch[static_cast<size_t>(region)], in[0]);
    for (int64_t bin = 0; bin < dims[2] * dims[3]; ++bin) {
      samples.clear();
      for (int64_t i = 0; i < rows.samples; ++i) {
        const float y = rows.at(bin / dims[3], i);
        for (int64_t k = 0; k < columns.samples; ++k) {
          samples.push_back(bilinear(y, columns.at(bin % dims[3], k), in[2], in[3]));
        }
      }
      for (int64_t channel = 0; channel < in[1]; ++channel) {
        const float* data = x.data() + (image * in[1] + channel) * plane;
        out[(region * in[1] + channel) * dims[2] * dims[3] + bin] = pooled(samples, data, maximum);
      }
    }
  }
  out.store();
}

}  // namespace

extern const OpDef k_roi_align{
    .name = "RoiAlign",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = "its regions need the precision of floats"},
};

}  // namespace tinyc
