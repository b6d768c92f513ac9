#include "tinyc/coding/choose_coding.h"

#include <algorithm>
#include <utility>

namespace tinyc {
namespace {

int plain_bits(std::span<const int8_t> levels) {
  if (levels.empty()) return 8;
  const auto [low, high] = std::minmax_element(levels.begin(), levels.end());
  if (*low >= -2 && *high <= 1) return 2;
  return *low >= -8 && *high <= 7 ? 4 : 8;
}

}  // namespace

std::string_view StoredLevels::name() const {
  if (coder != nullptr) return coder->name;
  return bits == 8 ? "int8" : bits == 4 ? "int4" : "int2";
}

StoredLevels choose_coding(const LevelMatrix& matrix, std::span<const CoderDef* const> coders) {
  StoredLevels best;
  best.bits = plain_bits(matrix.levels);
  best.parts.values = (static_cast<int64_t>(matrix.levels.size()) * best.bits + 7) / 8;
  for (const CoderDef* coder : coders) {
    CodedLevels coded = coder->encode(matrix);
    if (coded.parts.total() >= best.parts.total()) continue;
    best.coder = coder;
    best.parts = coded.parts;
    best.coded = std::move(coded);
  }
  return best;
}

}  // namespace tinyc
