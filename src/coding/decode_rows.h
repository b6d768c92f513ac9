// All rows of a stream by a device decoder.
#pragma once

#include <optional>

#include "coding/decoders.h"
#include "tinyc/coding/coder.h"

namespace tinyc {

// `open` and `close` are the decoder's functions for a `state`.
template <typename State>
std::optional<std::vector<int8_t>> decode_rows(std::span<const uint8_t> stream, int64_t rows, int64_t columns,
                                               State& state, int32_t (*open)(const uint8_t*, void*, int32_t),
                                               int32_t (*close)(const State*)) {
  if (open(stream.data(), &state, static_cast<int32_t>(stream.size())) != TC_DECODED) return {};
  std::vector<int8_t> levels(static_cast<size_t>(rows * columns));
  const int8_t* above = nullptr;
  for (int64_t r = 0; r < rows; ++r) {
    int8_t* row = levels.data() + r * columns;
    if (state.read_row(&state, above, row, static_cast<int32_t>(columns)) != TC_DECODED) return {};
    above = row;
  }
  if (close(&state) != TC_DECODED) return {};
  return levels;
}

}  // namespace tinyc
