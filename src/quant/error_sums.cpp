#include "tinyc/quant/error_sums.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

// Element i goes to lane i % kLanes: as many sums grow side by side, in vectors.
constexpr Eigen::Index kLanes = 4;
using Lanes = Eigen::Array<double, kLanes, 1>;

struct LaneSums {
  Lanes signal = Lanes::Zero();
  Lanes noise = Lanes::Zero();
  Lanes energy = Lanes::Zero();
  Lanes product = Lanes::Zero();
  Lanes max_error = Lanes::Zero();

  void add(const Lanes& reference, const Lanes& test) {
    const Lanes error = test - reference;
    signal += reference * reference;
    noise += error * error;
    energy += test * test;
    product += reference * test;
    max_error = max_error.max(error.abs());
  }
};

// Lanes past the end are zeros, which add nothing.
Lanes load(std::span<const float> values) {
  Lanes lanes = Lanes::Zero();
  for (size_t i = 0; i < values.size(); ++i) lanes[static_cast<Eigen::Index>(i)] = static_cast<double>(values[i]);
  return lanes;
}

}  // namespace

void ErrorSums::add(std::span<const float> reference, std::span<const float> test) {
  TINYC_CHECK(reference.size() == test.size());
  using FloatLanes = Eigen::Map<const Eigen::Array<float, kLanes, 1>>;
  LaneSums sums;
  const size_t whole = reference.size() / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    sums.add(FloatLanes(&reference[i]).cast<double>(), FloatLanes(&test[i]).cast<double>());
  }
  sums.add(load(reference.subspan(whole)), load(test.subspan(whole)));
  signal += sums.signal.sum();
  noise += sums.noise.sum();
  energy += sums.energy.sum();
  product += sums.product.sum();
  max_error = std::max(max_error, sums.max_error.maxCoeff());
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
