// One number of one type to another, for numbers that come from a model: no value is out of bounds.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace tinyc {

// Floats become integers by truncation, within int64; what does not fit a narrower integer keeps its low bits, as
// between integers; NaN becomes 0. Not zero is true.
template <typename To, typename From>
To convert(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return value != From{0};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Wide = std::conditional_t<std::is_same_v<To, uint64_t>, uint64_t, int64_t>;
    if (std::isnan(value)) return To{0};
    if (value <= static_cast<From>(std::numeric_limits<Wide>::min())) {
      return static_cast<To>(std::numeric_limits<Wide>::min());
    }
    // The limit itself has no float: its neighbour, a power of two, is the first that does not fit.
    if (value >= static_cast<From>(std::numeric_limits<Wide>::max())) {
      return static_cast<To>(std::numeric_limits<Wide>::max());
    }
    return static_cast<To>(static_cast<Wide>(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace tinyc
