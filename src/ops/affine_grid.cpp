// AffineGrid: the sampling points of an affine map: theta [N, 2, 3] (or [N, 3, 4]) times (x, y, 1) for each element of
// an image of the size that operand 1 says ([N, C, H, W] or [N, C, D, H, W]). Output [N, H, W, 2] (or [N, D, H, W, 3]).
#include "ops/float_io.h"
#include "ops/infer_util.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"align_corners", 0}};

void infer(InferContext& c) {
  c.require_rank(0, 3);
  const auto size = sizes_value(c, 1);
  if (!size) return c.set_output(0, c.dtype(0), Shape::unranked());
  const int axes = size->rank() - 2;
  if (axes != 2 && axes != 3) c.fail_input(1, "has " + std::to_string(size->rank()) + " elements, expected 4 or 5");
  const Shape& theta = c.shape(0);
  if (theta.ranked()) {
    merge(theta[0], (*size)[0]);
    merge(theta[1], axes);
    merge(theta[2], axes + 1);
  }
  Shape out = {(*size)[0]};
  for (int i = 0; i < axes; ++i) out.push_back((*size)[i + 2]);
  out.push_back(axes);
  c.set_output(0, c.dtype(0), std::move(out));
}

// Where element idx of an axis lies between -1 and 1.
double coordinate(int64_t idx, int64_t size, bool align_corners) {
  const auto at = static_cast<double>(idx);
  const auto length = static_cast<double>(size);
  if (align_corners) return size == 1 ? 0.0 : 2.0 * at / (length - 1.0) - 1.0;
  return (2.0 * at + 1.0) / length - 1.0;
}

void eval(EvalContext& c) {
  const FloatInput theta(c.input(0));
  FloatOutput out(c.output(0));
  const bool align_corners = int_attr(c.node(), "align_corners") != 0;
  const Dims& dims = c.output(0).dims();
  const int64_t axes = dims.back();
  const std::span<const int64_t> spatial = std::span(dims).subspan(1, static_cast<size_t>(axes));
  const int64_t points = element_count(spatial);
  std::vector<double> at(static_cast<size_t>(axes) + 1, 1.0);
  for (int64_t point = 0; point < dims[0] * points; ++point) {
    int64_t rest = point % points;
    for (size_t i = spatial.size(); i-- > 0;) {
      at[spatial.size() - 1 - i] = coordinate(rest % spatial[i], spatial[i], align_corners);
      rest /= spatial[i];
    }
    for (int64_t row = 0; row < axes; ++row) {
      const float* weights = theta.data() + (point / points * axes + row) * (axes + 1);
      double sum = 0.0;
      for (size_t k = 0; k < at.size(); ++k) sum += static_cast<double>(weights[k]) * at[k];
      out[point * axes + row] = static_cast<float>(sum);
    }
  }
  out.store();
}

}  // namespace

extern const OpDef k_affine_grid{
    .name = "AffineGrid",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = "its coordinates need the precision of floats"},
};

}  // namespace tinyc
