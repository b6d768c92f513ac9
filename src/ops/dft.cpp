// DFT: the discrete Fourier transform along one axis of a real ([..., 1]) or complex ([..., 2]) signal, cut or padded
// with zeros to dft_length; onesided gives the first half of the bins. Axis is operand 2 (an attribute before opset
// 20).
#include <algorithm>

#include "ops/float_io.h"
#include "ops/fourier.h"
#include "ops/infer_util.h"
#include "ops/movement.h"

namespace tinyc {
namespace {

constexpr AttributeDef kAttributes[] = {{"inverse", 0}, {"onesided", 0}};
constexpr int64_t kDefaultAxis = -2;

bool is_onesided(const Node& node) {
  const bool onesided = int_attr(node, "onesided") != 0;
  if (onesided && int_attr(node, "inverse") != 0) {
    throw Error(ErrorKind::kModel, "attributes 'inverse' and 'onesided' are both set");
  }
  return onesided;
}

int signal_axis(int64_t axis, int rank) {
  const int normal = normalize_axis(axis, rank);
  if (normal == rank - 1) throw Error(ErrorKind::kModel, "the axis is that of real and imaginary parts");
  return normal;
}

void infer(InferContext& c) {
  const Shape& shape = c.shape(0);
  const bool onesided = is_onesided(c.node());
  if (!shape.ranked()) return c.set_output(0, c.dtype(0), Shape::unranked());
  if (shape.rank() < 2) c.fail_input(0, "has rank " + std::to_string(shape.rank()) + ", expected 2 or more");
  const Dim& parts = shape[shape.rank() - 1];
  if (parts.known() && parts.value != 1 && parts.value != 2)
    c.fail_input(0, "has neither one nor two parts at its end");
  const auto axis = c.has_input(2) ? known_scalar(c, 2) : kDefaultAxis;
  Shape out = axis ? shape : open_shape(shape.rank());
  out[shape.rank() - 1] = 2;
  if (axis) {
    Dim& bins = out[signal_axis(*axis, shape.rank())];
    if (c.has_input(1)) {
      const auto length = known_scalar(c, 1);
      if (length && *length < 1) c.fail_input(1, "is " + std::to_string(*length));
      bins = length ? Dim(*length) : Dim();
    }
    if (onesided) bins = bins.known() ? Dim(bins.value / 2 + 1) : Dim();
  }
  c.set_output(0, c.dtype(0), std::move(out));
}

void eval(EvalContext& c) {
  const Dims& dims = c.input(0).dims();
  const int rank = c.input(0).rank();
  const int axis = signal_axis(c.has_input(2) ? c.input(2).to_int64()[0] : kDefaultAxis, rank);
  const int64_t samples = dims[static_cast<size_t>(axis)];
  const int64_t length = c.has_input(1) ? c.input(1).to_int64()[0] : samples;
  const int64_t bins = c.output(0).dims()[static_cast<size_t>(axis)];
  const int64_t parts = dims.back();
  const int64_t step = count_between(dims, axis + 1, rank - 1);
  const int64_t outer = count_between(dims, 0, axis);
  const FloatInput x(c.input(0));
  FloatOutput y(c.output(0));
  const Fourier fourier(static_cast<size_t>(length), int_attr(c.node(), "inverse") != 0);
  std::vector<std::complex<double>> signal(static_cast<size_t>(length));
  std::vector<std::complex<double>> spectrum(signal.size());
  for (int64_t line = 0; line < outer * step; ++line) {
    const int64_t inner = line % step;
    for (int64_t n = 0; n < std::min(length, samples); ++n) {
      const int64_t at = ((line / step * samples + n) * step + inner) * parts;
      signal[static_cast<size_t>(n)] = {static_cast<double>(x[at]), parts == 2 ? static_cast<double>(x[at + 1]) : 0.0};
    }
    fourier.run(signal, spectrum);
    for (int64_t k = 0; k < bins; ++k) {
      const int64_t at = ((line / step * bins + k) * step + inner) * 2;
      y[at] = static_cast<float>(spectrum[static_cast<size_t>(k)].real());
      y[at + 1] = static_cast<float>(spectrum[static_cast<size_t>(k)].imag());
    }
  }
  y.store();
}

}  // namespace

extern const OpDef k_dft{
    .name = "DFT",
    .inputs = {1, 3},
    .outputs = {1, 1},
    .attributes = kAttributes,
    .infer = infer,
    .eval = eval,
    .quant = {.why_float = "signal processing is done in float"},
};

}  // namespace tinyc
