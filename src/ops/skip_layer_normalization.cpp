// SkipLayerNormalization (com.microsoft): layer normalization, over the last axis, of input + skip + bias.
// Outputs: the normalized values, mean and inverse deviation (in training only, not given here), and the sum.
#include "ops/common_infer.h"
#include "ops/float_io.h"
#include "ops/movement.h"
#include "ops/normalization.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"epsilon", 1e-12F}};
constexpr int kInput = 0, kSkip = 1, kGamma = 2, kBeta = 3, kBias = 4, kSum = 3;

void infer(InferContext& c) {
  infer_same(c);
  if (c.shape(kInput).ranked() && c.shape(kInput).rank() < 1) c.fail_input(kInput, "is a scalar");
  for (const int training : {1, 2}) {
    if (c.output_count() > training && c.node().outputs[static_cast<size_t>(training)] != kNoValue) {
      throw Error(ErrorKind::kModel, "output " + std::to_string(training) + " is given in training only");
    }
  }
  c.set_output(kSum, c.dtype(kInput), c.shape(kInput));
}

void eval(EvalContext& c) {
  const Dims& dims = c.input(kInput).dims();
  const std::span<const int64_t> last = std::span(dims).last(1);
  const auto length = static_cast<size_t>(dims.back());
  const auto optional = [&](int idx) {
    return c.has_input(idx) ? broadcast_floats(c.input(idx), last) : std::vector<float>(length, 0.0F);
  };
  const std::vector<float> gamma = broadcast_floats(c.input(kGamma), last);
  const std::vector<float> beta = optional(kBeta);
  const std::vector<float> bias = optional(kBias);
  const std::vector<float> skip = broadcast_floats(c.input(kSkip), dims);
  std::vector<float> sum = c.input(kInput).to_float();
  FloatOutput y(c.output(0));
  for (size_t at = 0; length > 0 && at < sum.size(); at += length) {
    const auto row = std::span(sum).subspan(at, length);
    for (size_t i = 0; i < length; ++i) row[i] += skip[at + i] + bias[i];
    const Moments moments = moments_of(row, float_attr(c.node(), "epsilon"));
    for (size_t i = 0; i < length; ++i) {
      y.values()[at + i] = (row[i] - moments.mean) * moments.inverse_deviation * gamma[i] + beta[i];
    }
  }
  y.store();
  if (c.has_output(kSum)) store_floats(sum, c.output(kSum));
}

}  // namespace

extern const OpDef k_skip_layer_normalization{
    .name = "SkipLayerNormalization",
    .domain = "com.microsoft",
    .inputs = {3, 5},
    .outputs = {1, 4},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = kWhyNormalizationIsFloat},
};

}  // namespace tinyc
