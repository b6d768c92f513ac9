// MaxRoiPool: each region of interest cut into pooled_shape bins of whole elements; a bin is its maximum, 0 when empty.
// X [N, C, H, W], rois [regions, 5] (image, x0, y0, x1, y1). (Fast R-CNN, Girshick, 2015)
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/float_io.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"pooled_shape", AttributeType::kInts}, {"spatial_scale", 1.0F}};

void infer(InferContext& c) {
  c.require_rank(0, 4);
  c.require_rank(1, 2);
  const auto pooled = ints_attr(c.node(), "pooled_shape");
  if (pooled.size() != 2 || pooled[0] < 1 || pooled[1] < 1) {
    throw Error(ErrorKind::kModel, "attribute 'pooled_shape' is not two positive sizes");
  }
  const Shape& rois = c.shape(1);
  if (rois.ranked() && rois[1].known() && rois[1].value != 5) c.fail_input(1, "does not have five columns");
  c.set_output(0, c.dtype(0),
               {rois.ranked() ? rois[0] : Dim(), c.shape(0).ranked() ? c.shape(0)[1] : Dim(), pooled[0], pooled[1]});
}

struct Span {
  int64_t begin;
  int64_t end;
};

// Bin `which` of an axis of `size` elements, for a region from `low` to `high`, both included.
Span bin_span(float low, float high, float scale, int64_t which, int64_t bins, int64_t size) {
  constexpr float kFar = 1e9F;
  const float first = std::clamp(std::round(low * scale), -kFar, kFar);
  const float last = std::clamp(std::round(high * scale), -kFar, kFar);
  const float length = std::max(last - first + 1.0F, 1.0F) / static_cast<float>(bins);
  const float begin = first + std::floor(static_cast<float>(which) * length);
  const float end = first + std::ceil(static_cast<float>(which + 1) * length);
  const auto whole = [&](float x) { return std::clamp<int64_t>(std::isnan(x) ? 0 : static_cast<int64_t>(x), 0, size); };
  return {whole(begin), whole(end)};
}

void eval(EvalContext& c) {
  const FloatInput x(c.input(0));
  const FloatInput rois(c.input(1));
  FloatOutput out(c.output(0));
  const float scale = float_attr(c.node(), "spatial_scale");
  const Dims& in = c.input(0).dims();
  const Dims& dims = c.output(0).dims();
  int64_t at = 0;
  for (int64_t region = 0; region < dims[0]; ++region) {
    const float* roi = rois.data() + region * 5;
    const bool listed = roi[0] >= 0.0F && roi[0] < static_cast<float>(in[0]);
    if (!listed) throw Error(ErrorKind::kModel, "a region names an image that is not there");
    for (int64_t channel = 0; channel < in[1]; ++channel) {
      const float* plane = x.data() + (static_cast<int64_t>(roi[0]) * in[1] + channel) * in[2] * in[3];
      for (int64_t bin = 0; bin < dims[2] * dims[3]; ++bin) {
        const Span rows = bin_span(roi[2], roi[4], scale, bin / dims[3], dims[2], in[2]);
        const Span columns = bin_span(roi[1], roi[3], scale, bin % dims[3], dims[3], in[3]);
        const bool empty = rows.begin >= rows.end || columns.begin >= columns.end;
        float most = empty ? 0.0F : -std::numeric_limits<float>::infinity();
        for (int64_t y = rows.begin; !empty && y < rows.end; ++y) {
          most = std::max(most, *std::max_element(plane + y * in[3] + columns.begin, plane + y * in[3] + columns.end));
        }
        out[at++] = most;
      }
    }
  }
  out.store();
}

}  // namespace

extern const OpDef k_max_roi_pool{
    .name = "MaxRoiPool",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = "its regions need the precision of floats"},
};

}  // namespace tinyc
