// STFT: the Fourier transforms of overlapping frames of a signal [batch, samples, 1 or 2], each multiplied with a
// window. Output [batch, frames, bins, 2], frames = (samples - frame_length) / frame_step + 1.
#include "ops/float_io.h"
#include "ops/fourier.h"
#include "ops/infer_util.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"onesided", 1}};
constexpr int kSignal = 0, kStep = 1, kWindow = 2, kLength = 3;

void infer(InferContext& c) {
  const Shape& signal = c.shape(kSignal);
  if (signal.ranked() && signal.rank() != 2 && signal.rank() != 3) {
    c.fail_input(kSignal, "has rank " + std::to_string(signal.rank()) + ", expected 3");
  }
  if (signal.ranked() && signal.rank() == 3 && signal[2].known() && signal[2].value != 1 && signal[2].value != 2) {
    c.fail_input(kSignal, "has neither one nor two parts at its end");
  }
  const Dim batch = signal.ranked() ? signal[0] : Dim();
  const Dim samples = signal.ranked() ? signal[1] : Dim();
  const auto step = known_scalar(c, kStep);
  if (step && *step < 1) c.fail_input(kStep, "is " + std::to_string(*step));
  std::optional<int64_t> length = known_scalar(c, kLength);
  if (!length && !c.has_input(kLength) && c.has_input(kWindow)) {
    const int64_t window = vector_length(c, kWindow);
    if (window >= 0) length = window;
  }
  Dim frames;
  Dim bins;
  if (length) {
    if (*length < 1 || (samples.known() && *length > samples.value)) {
      throw Error(ErrorKind::kModel, "frames of " + std::to_string(*length) + " do not fit the signal");
    }
    if (c.has_input(kWindow) && vector_length(c, kWindow) >= 0 && vector_length(c, kWindow) != *length) {
      c.fail_input(kWindow, "is not as long as a frame");
    }
    bins = int_attr(c.node(), "onesided") != 0 ? *length / 2 + 1 : *length;
    if (step && samples.known()) frames = (samples.value - *length) / *step + 1;
  }
  c.set_output(0, c.dtype(kSignal), {batch, frames, bins, 2});
}

void eval(EvalContext& c) {
  const Dims& dims = c.input(kSignal).dims();
  const int64_t parts = dims.size() == 3 ? dims[2] : 1;
  const int64_t step = c.input(kStep).to_int64()[0];
  const int64_t length = c.has_input(kLength) ? c.input(kLength).to_int64()[0] : c.input(kWindow).size();
  const int64_t frames = c.output(0).dims()[1];
  const int64_t bins = c.output(0).dims()[2];
  const FloatInput x(c.input(kSignal));
  const std::vector<float> window =
      c.has_input(kWindow) ? c.input(kWindow).to_float() : std::vector<float>(static_cast<size_t>(length), 1.0F);
  FloatOutput y(c.output(0));
  const Fourier fourier(static_cast<size_t>(length), false);
  std::vector<std::complex<double>> signal(static_cast<size_t>(length));
  std::vector<std::complex<double>> spectrum(signal.size());
  int64_t out = 0;
  for (int64_t frame = 0; frame < dims[0] * frames; ++frame) {
    const int64_t first = frame / frames * dims[1] + frame % frames * step;
    for (size_t n = 0; n < signal.size(); ++n) {
      const int64_t at = (first + static_cast<int64_t>(n)) * parts;
      const auto factor = static_cast<double>(window[n]);
      signal[n] = {factor * static_cast<double>(x[at]), parts == 2 ? factor * static_cast<double>(x[at + 1]) : 0.0};
    }
    fourier.run(signal, spectrum);
    for (size_t k = 0; k < static_cast<size_t>(bins); ++k) {
      y[out++] = static_cast<float>(spectrum[k].real());
      y[out++] = static_cast<float>(spectrum[k].imag());
    }
  }
  y.store();
}

}  // namespace

extern const OpDef k_stft{
    .name = "STFT",
    .inputs = {2, 4},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = "signal processing is done in float"},
};

}  // namespace tinyc
