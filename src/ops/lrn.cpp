// LRN: local response normalization across channels: y = x / (bias + alpha / size * sum of squares)^beta, the sum over
// `size` neighbouring channels: (size - 1) / 2 before, the rest after. (Krizhevsky et al., 2012)
#include <algorithm>
#include <cmath>

#include "ops/common_infer.h"
#include "ops/float_io.h"
#include "ops/movement.h"
#include "ops/normalization.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {
    {"alpha", 0.0001F}, {"beta", 0.75F}, {"bias", 1.0F}, {"size", AttributeType::kInt}};

void infer(InferContext& c) {
  infer_same(c);
  if (c.shape(0).ranked() && c.shape(0).rank() < 2) c.fail_input(0, "has no channels");
  const int64_t size = int_attr(c.node(), "size");
  if (size < 1) throw Error(ErrorKind::kModel, "attribute 'size' is " + std::to_string(size));
}

void eval(EvalContext& c) {
  const FloatInput x(c.input(0));
  FloatOutput y(c.output(0));
  const float beta = float_attr(c.node(), "beta");
  const float bias = float_attr(c.node(), "bias");
  const int64_t size = int_attr(c.node(), "size");
  const float factor = float_attr(c.node(), "alpha") / static_cast<float>(size);
  const Dims& dims = c.input(0).dims();
  const int64_t channels = dims[1];
  const int64_t plane = count_between(dims, 2, c.input(0).rank());
  const int64_t before = std::min((size - 1) / 2, channels);
  const int64_t after = std::min(size - 1 - (size - 1) / 2, channels);
  std::vector<float> sums(static_cast<size_t>(plane));
  for (int64_t at = 0; at < dims[0] * channels; ++at) {
    const int64_t channel = at % channels;
    std::fill(sums.begin(), sums.end(), 0.0F);
    for (int64_t k = std::max<int64_t>(channel - before, 0); k <= std::min(channel + after, channels - 1); ++k) {
      const float* neighbour = x.data() + (at - channel + k) * plane;
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += neighbour[i] * neighbour[i];
    }
    const float* in = x.data() + at * plane;
    float* out = y.data() + at * plane;
    for (size_t i = 0; i < sums.size(); ++i) out[i] = in[i] / std::pow(bias + factor * sums[i], beta);
  }
  y.store();
}

}  // namespace

extern const OpDef k_lrn{
    .name = "LRN",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = kWhyNormalizationIsFloat},
};

}  // namespace tinyc
