// Which samples are kept out of what is fitted, so that it can be judged by them: 3, 7, ...
#pragma once

#include <cstddef>

namespace tinyc {

inline constexpr size_t kKeptOutEvery = 4;

constexpr bool is_kept_out(size_t sample) {
  return sample % kKeptOutEvery == kKeptOutEvery - 1;
}

// The same of `samples` in all; too few of them are fitted and checked alike.
constexpr bool is_check(size_t sample, size_t samples) {
  return samples < kKeptOutEvery || is_kept_out(sample);
}
constexpr bool is_fit(size_t sample, size_t samples) {
  return samples < kKeptOutEvery || !is_kept_out(sample);
}

}  // namespace tinyc
