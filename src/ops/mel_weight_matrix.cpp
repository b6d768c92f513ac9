// MelWeightMatrix: triangular filters that turn the bins of a spectrum into bands evenly spaced on the mel scale,
// mel(f) = 2595 log10(1 + f / 700). Output [dft_length / 2 + 1, num_mel_bins].
#include <algorithm>
#include <cmath>

#include "ops/float_io.h"
#include "ops/infer_util.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"output_datatype", 1}};
constexpr int kBands = 0, kDftLength = 1, kSampleRate = 2, kLowest = 3, kHighest = 4;

void infer(InferContext& c) {
  const auto bands = known_scalar(c, kBands);
  const auto length = known_scalar(c, kDftLength);
  if (bands && *bands < 0) c.fail_input(kBands, "asks for " + std::to_string(*bands) + " bands");
  if (length && *length < 0) c.fail_input(kDftLength, "is " + std::to_string(*length));
  c.set_output(0, static_cast<DataType>(int_attr(c.node(), "output_datatype")),
               {length ? Dim(*length / 2 + 1) : Dim(), bands ? Dim(*bands) : Dim()});
}

double scalar(const EvalContext& c, int idx) {
  const std::vector<float> values = c.input(idx).to_float();
  if (values.size() != 1) throw Error(ErrorKind::kModel, "input " + std::to_string(idx) + " is not a scalar");
  return static_cast<double>(values[0]);
}

// The spectrum bins at which the bands begin, peak and end: band i has edges i, i + 1, i + 2.
std::vector<int64_t> edges_of(const EvalContext& c, int64_t bands, int64_t bins) {
  const auto mel = [](double hertz) { return 2595.0 * std::log10(1.0 + hertz / 700.0); };
  const double low = mel(scalar(c, kLowest));
  const double step = (mel(scalar(c, kHighest)) - low) / static_cast<double>(bands + 2);
  const double bins_per_hertz = (scalar(c, kDftLength) + 1.0) / scalar(c, kSampleRate);
  std::vector<int64_t> edges;
  for (int64_t i = 0; i < bands + 2; ++i) {
    const double hertz = 700.0 * (std::pow(10.0, (low + static_cast<double>(i) * step) / 2595.0) - 1.0);
    const double bin = std::floor(hertz * bins_per_hertz);
    if (!(bin >= 0.0 && bin <= static_cast<double>(bins))) {
      throw Error(ErrorKind::kModel, "the band edges do not lie within the spectrum");
    }
    edges.push_back(static_cast<int64_t>(bin));
  }
  return edges;
}

void eval(EvalContext& c) {
  const int64_t bins = c.output(0).dims()[0];
  const int64_t bands = c.output(0).dims()[1];
  const std::vector<int64_t> edges = edges_of(c, bands, bins);
  FloatOutput out(c.output(0));
  std::fill(out.values().begin(), out.values().end(), 0.0F);
  for (int64_t band = 0; band < bands; ++band) {
    const int64_t begin = edges[static_cast<size_t>(band)];
    const int64_t peak = edges[static_cast<size_t>(band) + 1];
    const int64_t end = edges[static_cast<size_t>(band) + 2];
    if (peak < bins) out[peak * bands + band] = 1.0F;
    for (int64_t bin = begin; bin < peak; ++bin) {
      out[bin * bands + band] = static_cast<float>(bin - begin) / static_cast<float>(peak - begin);
    }
    for (int64_t bin = peak; bin < end; ++bin) {
      out[bin * bands + band] = static_cast<float>(end - bin) / static_cast<float>(end - peak);
    }
  }
  out.store();
}

}  // namespace

extern const OpDef k_mel_weight_matrix{
    .name = "MelWeightMatrix",
    .inputs = {5, 5},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = "makes a constant"},
};

}  // namespace tinyc
