#include "tinyc/quant/error_sums.h"

#include <algorithm>
#include <cmath>

#include "tinyc/base/error.h"

namespace tinyc {

void ErrorSums::add(std::span<const float> reference, std::span<const float> test) {
  TINYC_CHECK(reference.size() == test.size());
  for (size_t i = 0; i < reference.size(); ++i) {
    const double r = reference[i];
    const double t = test[i];
    const double error = t - r;
    signal += r * r;
    noise += error * error;
    energy += t * t;
    product += r * t;
    max_error = std::max(max_error, std::abs(error));
  }
  count += static_cast<int64_t>(reference.size());
}

void ErrorSums::merge(const ErrorSums& other) {
  signal += other.signal;
  noise += other.noise;
  energy += other.energy;
  product += other.product;
  max_error = std::max(max_error, other.max_error);
  count += other.count;
}

double ErrorSums::sqnr_db() const {
  if (noise <= 0) return kMaxSqnrDb;
  if (signal <= 0) return -kMaxSqnrDb;
  return std::clamp(10.0 * std::log10(signal / noise), -kMaxSqnrDb, kMaxSqnrDb);
}

double ErrorSums::cosine() const {
  if (signal <= 0 && energy <= 0) return 1;
  if (signal <= 0 || energy <= 0) return 0;
  return std::clamp(product / std::sqrt(signal * energy), -1.0, 1.0);
}

double ErrorSums::mse() const {
  return count == 0 ? 0 : noise / static_cast<double>(count);
}

}  // namespace tinyc
