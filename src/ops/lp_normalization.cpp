// LpNormalization: each line along `axis` divided by its sum of magnitudes (p = 1) or its Euclidean norm (p = 2); a
// line of zeros stays as it is.
#include <cmath>

#include "ops/common_infer.h"
#include "ops/float_io.h"
#include "ops/movement.h"
#include "ops/normalization.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"axis", -1}, {"p", 2}};

void infer(InferContext& c) {
  infer_same(c);
  const int64_t p = int_attr(c.node(), "p");
  if (p != 1 && p != 2) throw Error(ErrorKind::kModel, "attribute 'p' is " + std::to_string(p) + ", expected 1 or 2");
}

void eval(EvalContext& c) {
  const FloatInput x(c.input(0));
  FloatOutput y(c.output(0));
  const Dims& dims = c.input(0).dims();
  const int axis = normalize_axis(int_attr(c.node(), "axis"), c.input(0).rank());
  const bool euclidean = int_attr(c.node(), "p") == 2;
  const int64_t length = dims[static_cast<size_t>(axis)];
  const int64_t step = count_between(dims, axis + 1, c.input(0).rank());
  const int64_t outer = count_between(dims, 0, axis);
  for (int64_t line = 0; line < outer * step; ++line) {
    const int64_t first = line / step * length * step + line % step;
    double sum = 0.0;
    for (int64_t i = 0; i < length; ++i) {
      const auto value = static_cast<double>(x[first + i * step]);
      sum += euclidean ? value * value : std::abs(value);
    }
    const auto norm = static_cast<float>(euclidean ? std::sqrt(sum) : sum);
    for (int64_t i = 0; i < length; ++i) {
      const int64_t at = first + i * step;
      y[at] = norm == 0.0F ? x[at] : x[at] / norm;
    }
  }
  y.store();
}

}  // namespace

extern const OpDef k_lp_normalization{
    .name = "LpNormalization",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = kWhyNormalizationIsFloat},
};

}  // namespace tinyc
