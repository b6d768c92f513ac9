#include "tinyc/base/rng.h"

#include <bit>
#include <cmath>
#include <numbers>

#include "tinyc/base/error.h"

namespace tinyc {
namespace {

// ln(x) of a normal x in (0, 1): x = m * 2^e with m in [sqrt(1/2), sqrt(2)), ln m = 2 atanh((m-1)/(m+1)), |s| < 0.172,
// so the series ends below 2^-53 after twelve terms.
double portable_log(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);
  if (mantissa < std::numbers::sqrt2 / 2) {
    mantissa *= 2;
    --exponent;
  }
  const double s = (mantissa - 1) / (mantissa + 1);
  double sum = 0.0;
  for (int k = 23; k >= 1; k -= 2) sum = sum * s * s + 1.0 / k;
  return 2 * s * sum + exponent * std::numbers::ln2;
}

}  // namespace

uint64_t splitmix64(uint64_t state) {
  uint64_t z = state + 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

Rng::Rng(uint64_t seed, uint64_t stream) {
  uint64_t counter = splitmix64(seed) ^ (stream * 0xD1342543DE82EF95U);
  for (uint64_t& word : state_) {
    word = splitmix64(counter);
    counter += 0x9E3779B97F4A7C15U;
  }
}

uint64_t Rng::next() {
  const uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const uint64_t shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double Rng::uniform() {
  return static_cast<double>(next() >> 11U) * 0x1p-53;
}

uint64_t Rng::below(uint64_t count) {
  TINYC_CHECK(count > 0);
  const uint64_t reject_below = (0 - count) % count;  // 2^64 mod count: the uneven rest
  uint64_t bits = next();
  while (bits < reject_below) bits = next();
  return bits % count;
}

// Marsaglia's polar method: a point in the unit disc gives two independent normals.
double Rng::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  while (true) {
    const double u = uniform(-1.0, 1.0);
    const double v = uniform(-1.0, 1.0);
    const double square = u * u + v * v;
    if (square >= 1.0 || square == 0.0) continue;
    const double factor = std::sqrt(-2.0 * portable_log(square) / square);
    spare_ = v * factor;
    has_spare_ = true;
    return u * factor;
  }
}

}  // namespace tinyc
