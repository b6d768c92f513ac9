// The Gaussian error linear unit x * P(X <= x), X standard normal, and its usual approximation.
// Source: D. Hendrycks, K. Gimpel, Gaussian Error Linear Units, 2016.
#pragma once

#include <cmath>

namespace tinyc {

template <typename T>
T gelu(T x) {
  return T{0.5} * x * (1 + std::erf(x * static_cast<T>(0.70710678118654752440)));  // 1 / sqrt(2)
}

template <typename T>
T gelu_by_tanh(T x) {
  const T inner = static_cast<T>(0.79788456080286535588) * (x + static_cast<T>(0.044715) * x * x * x);  // sqrt(2 / pi)
  return T{0.5} * x * (1 + std::tanh(inner));
}

}  // namespace tinyc
