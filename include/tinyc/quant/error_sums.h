// How far numbers are from what they should be. Sums in double, so that parts can be merged; merging in a fixed order
// gives the same bits however the parts were computed.
#pragma once

#include <cstdint>
#include <span>

namespace tinyc {

// SQNR is cut at +-200 dB: equal numbers have no noise, and JSON has no infinity.
inline constexpr double kMaxSqnrDb = 200.0;

struct ErrorSums {
  double signal = 0;     // sum of reference^2
  double noise = 0;      // sum of (test - reference)^2
  double energy = 0;     // sum of test^2
  double product = 0;    // sum of reference * test
  double max_error = 0;  // largest |test - reference|
  int64_t count = 0;

  // As many elements in both.
  void add(std::span<const float> reference, std::span<const float> test);
  void merge(const ErrorSums& other);

  double sqnr_db() const;  // 10 log10(signal / noise)
  double cosine() const;   // 1 when both are nothing but zeros
  double mse() const;
};

}  // namespace tinyc
