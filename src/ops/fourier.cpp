#include "ops/fourier.h"

#include <numbers>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

size_t smallest_factor(size_t number) {
  for (size_t factor = 2; factor * factor <= number; ++factor) {
    if (number % factor == 0) return factor;
  }
  return number;
}

}  // namespace

Fourier::Fourier(size_t length, bool inverse) : inverse_(inverse) {
  const double turn = (inverse ? 2.0 : -2.0) * std::numbers::pi / static_cast<double>(length);
  for (size_t k = 0; k < length; ++k) roots_.push_back(std::polar(1.0, turn * static_cast<double>(k)));
}

void Fourier::run(std::span<const std::complex<double>> in, std::span<std::complex<double>> out) const {
  TINYC_CHECK(in.size() == roots_.size() && out.size() == roots_.size());
  if (in.empty()) return;
  transform(in.size(), in.data(), 1, out.data());
  if (!inverse_) return;
  for (auto& value : out) value /= static_cast<double>(out.size());
}

void Fourier::transform(size_t length, const std::complex<double>* in, size_t stride, std::complex<double>* out) const {
  if (length == 1) {
    out[0] = in[0];
    return;
  }
  const size_t factor = smallest_factor(length);
  const size_t part = length / factor;
  for (size_t r = 0; r < factor; ++r) transform(part, in + r * stride, stride * factor, out + r * part);
  const size_t root_step = roots_.size() / length;
  std::vector<std::complex<double>> terms(factor);
  for (size_t k = 0; k < part; ++k) {
    for (size_t r = 0; r < factor; ++r) terms[r] = out[r * part + k];
    for (size_t q = 0; q < factor; ++q) {
      const size_t at = q * part + k;
      std::complex<double> sum = terms[0];
      for (size_t r = 1; r < factor; ++r) sum += terms[r] * roots_[r * at % length * root_step];
      out[at] = sum;
    }
  }
}

}  // namespace tinyc
