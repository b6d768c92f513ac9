// The cubic convolution filter of Keys (1981), by the distance from its centre; a = -0.75 or -0.5 are usual.
#pragma once

#include <cmath>

namespace tinyc {

inline float keys_cubic(float distance, float a) {
  const float x = std::abs(distance);
  if (x <= 1.0F) return ((a + 2.0F) * x - (a + 3.0F)) * x * x + 1.0F;
  return x < 2.0F ? ((a * x - 5.0F * a) * x + 8.0F * a) * x - 4.0F * a : 0.0F;
}

}  // namespace tinyc
