// All rows of a stream by a device decoder.
#pragma once

#include <optional>

#include "coding/decoders.h"
#include "tinyc/coding/coder.h"

namespace tinyc {

// open(stream, size), row(above, row, columns) and close() are the decoder's functions: TC_DECODED or TC_CORRUPT.
template <typename Open, typename Row, typename Close>
std::optional<std::vector<int8_t>> decode_rows(std::span<const uint8_t> stream, int64_t rows, int64_t columns,
                                               const Open& open, const Row& row, const Close& close) {
  if (open(stream.data(), static_cast<int32_t>(stream.size())) != TC_DECODED) return {};
  std::vector<int8_t> levels(static_cast<size_t>(rows * columns));
  const int8_t* above = nullptr;
  for (int64_t r = 0; r < rows; ++r) {
    int8_t* to = levels.data() + r * columns;
    if (row(above, to, static_cast<int32_t>(columns)) != TC_DECODED) return {};
    above = to;
  }
  if (close() != TC_DECODED) return {};
  return levels;
}

}  // namespace tinyc
