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

struct Direction {
  bool inverse;
  bool onesided;
  explicit Direction(const Node& node)
      : inverse(int_attr(node, "inverse") != 0), onesided(int_attr(node, "onesided") != 0) {}
  bool to_real() const { return inverse && onesided; }
  // Length of the transform of an axis with that many elements, unless the node says it.
  int64_t length(int64_t elements) const { return to_real() ? std::max<int64_t>(2 * (elements - 1), 1) : elements; }
  // Elements that a transform of that length gives.
  int64_t results(int64_t length) const { return onesided && !inverse ? length / 2 + 1 : length; }
};

int signal_axis(int64_t axis, int rank) {
  const int normal = normalize_axis(axis, rank);
  if (normal == rank - 1) throw Error(ErrorKind::kModel, "the axis is that of real and imaginary parts");
  return normal;
}

void infer(InferContext& c) {
  const Shape& shape = c.shape(0);
  const Direction direction(c.node());
  if (!shape.ranked()) return c.set_output(0, c.dtype(0), Shape::unranked());
  if (shape.rank() < 2) c.fail_input(0, "has rank " + std::to_string(shape.rank()) + ", expected 2 or more");
  const Dim& parts = shape[shape.rank() - 1];
  if (parts.known() && parts.value != 1 && parts.value != 2)
    c.fail_input(0, "has neither one nor two parts at its end");
  const auto axis = c.has_input(2) ? known_scalar(c, 2) : kDefaultAxis;
  Shape out = axis ? shape : open_shape(shape.rank());
  out[shape.rank() - 1] = direction.to_real() ? 1 : 2;
  if (axis) {
    Dim& results = out[signal_axis(*axis, shape.rank())];
    std::optional<int64_t> length;
    if (c.has_input(1)) {
      length = known_scalar(c, 1);
    } else if (results.known()) {
      length = direction.length(results.value);
    }
    if (length && *length < 1) throw Error(ErrorKind::kModel, "the signal has length " + std::to_string(*length));
    if (length || c.has_input(1) || direction.onesided) results = length ? Dim(direction.results(*length)) : Dim();
  }
  c.set_output(0, c.dtype(0), std::move(out));
}

// Fills in what a half spectrum leaves out.
void mirror(std::span<std::complex<double>> spectrum) {
  for (size_t k = spectrum.size() / 2 + 1; k < spectrum.size(); ++k)
    spectrum[k] = std::conj(spectrum[spectrum.size() - k]);
}

void eval(EvalContext& c) {
  const Direction direction(c.node());
  const Dims& dims = c.input(0).dims();
  const int rank = c.input(0).rank();
  const int axis = signal_axis(c.has_input(2) ? c.input(2).to_int64()[0] : kDefaultAxis, rank);
  const int64_t elements = dims[static_cast<size_t>(axis)];
  const int64_t length = c.has_input(1) ? c.input(1).to_int64()[0] : direction.length(elements);
  const int64_t results = c.output(0).dims()[static_cast<size_t>(axis)];
  const int64_t parts = dims.back();
  const int64_t out_parts = c.output(0).dims().back();
  const int64_t step = count_between(dims, axis + 1, rank - 1);
  const int64_t outer = count_between(dims, 0, axis);
  const FloatInput x(c.input(0));
  FloatOutput y(c.output(0));
  const Fourier fourier(static_cast<size_t>(length), direction.inverse);
  std::vector<std::complex<double>> from(static_cast<size_t>(length));
  std::vector<std::complex<double>> to(from.size());
  for (int64_t line = 0; line < outer * step; ++line) {
    const int64_t inner = line % step;
    for (int64_t n = 0; n < std::min(length, elements); ++n) {
      const int64_t at = ((line / step * elements + n) * step + inner) * parts;
      from[static_cast<size_t>(n)] = {static_cast<double>(x[at]), parts == 2 ? static_cast<double>(x[at + 1]) : 0.0};
    }
    if (direction.to_real()) mirror(from);
    fourier.run(from, to);
    for (int64_t k = 0; k < results; ++k) {
      const int64_t at = ((line / step * results + k) * step + inner) * out_parts;
      y[at] = static_cast<float>(to[static_cast<size_t>(k)].real());
      if (out_parts == 2) y[at + 1] = static_cast<float>(to[static_cast<size_t>(k)].imag());
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
