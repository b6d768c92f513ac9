// Random numbers that are the same on every machine: integer generators and exactly rounded arithmetic only, none of
// the standard library's distributions and no libm.
//
// Source: xoshiro256++ (Blackman, Vigna: Scrambled linear pseudorandom number generators, 2021), seeded by splitmix64.
#pragma once

#include <array>
#include <cstdint>

namespace tinyc {

// One step of splitmix64 from `state`: a good hash of a counter.
uint64_t splitmix64(uint64_t state);

class Rng {
 public:
  // Equal (seed, stream) give equal numbers; streams of one seed are unrelated to each other.
  explicit Rng(uint64_t seed, uint64_t stream = 0);

  uint64_t next();
  double uniform();  // [0, 1), a multiple of 2^-53
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  uint64_t below(uint64_t count);  // [0, count) without bias; count > 0
  double normal();                 // mean 0, deviation 1

 private:
  std::array<uint64_t, 4> state_;
  double spare_ = 0.0;
  bool has_spare_ = false;
};

}  // namespace tinyc
