// The discrete Fourier transform of any length.
//
// X[k] = sum over n of x[n] exp(-2 pi i k n / N); the inverse has the other sign and a factor 1 / N. A length is split
// by its smallest prime factor p into p transforms of N / p interleaved samples (Cooley and Tukey, 1965), so the cost
// is N times the sum of the prime factors. Twiddle factors come from one table, in float64.
#pragma once

#include <complex>
#include <span>
#include <vector>

namespace tinyc {

class Fourier {
 public:
  Fourier(size_t length, bool inverse);
  // Both of the length given; they do not overlap.
  void run(std::span<const std::complex<double>> in, std::span<std::complex<double>> out) const;

 private:
  void transform(size_t length, const std::complex<double>* in, size_t stride, std::complex<double>* out) const;

  std::vector<std::complex<double>> roots_;  // exp(-2 pi i k / length), conjugated for the inverse
  bool inverse_;
};

}  // namespace tinyc
