// In which form a layer's integers take the fewest bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include "tinyc/coding/coder.h"

namespace tinyc {

struct StoredLevels {
  int bits = 8;                     // of a level, where they lie one after the other: 8, 4, 2
  const CoderDef* coder = nullptr;  // null: they lie one after the other
  CodedLevels coded;                // where there is a coder
  ByteParts parts;
  std::string_view name() const;  // "int8", "int4", "int2", or the coder's
};

// The smallest of one byte a level, 4 or 2 bits where all levels fit (-8..7, -2..1), and `coders`; the one named first
// in a tie.
StoredLevels choose_coding(const LevelMatrix& matrix, std::span<const CoderDef* const> coders = all_coders());

}  // namespace tinyc
