// Numbers between -1 and 1, the same everywhere: a 32-bit linear congruence, its high bits.
#pragma once

#include <cstdint>

namespace golden {

class Noise {
 public:
  explicit Noise(uint32_t seed) : state_(seed * 2654435761U + 12345U) {}
  double operator()() {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<double>(state_ >> 8U) / 8388608.0 - 1.0;
  }

 private:
  uint32_t state_;
};

}  // namespace golden
