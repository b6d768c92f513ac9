// relative: an entry of one or two bytes for each level that is not 0; rt/relative_s8.h says how.
//
// An entry of one byte has as many bits for its level as a table of the levels needs, or more where long gaps are not:
// all that can be are tried, entries of two bytes too, and the shortest stream is kept.
#include <algorithm>
#include <array>

#include "coding/decode_rows.h"

namespace tinyc {
namespace {

struct Entry {
  int64_t gap;
  int8_t level;
};

// Every level that is not 0, then one for the place behind the last level.
std::vector<Entry> entries_of(std::span<const int8_t> levels, int64_t longest) {
  std::vector<Entry> entries;
  int64_t gap = 0;
  for (const int8_t level : levels) {
    if (level != 0 || gap == longest) {
      entries.push_back({gap, level});
      gap = 0;
    } else {
      ++gap;
    }
  }
  entries.push_back({gap, 0});
  return entries;
}

CodedLevels encode_pairs(const LevelMatrix& matrix) {
  const std::vector<Entry> entries = entries_of(matrix.levels, 255);
  CodedLevels coded{.stream = {TC_PAIR_ENTRIES}, .parts = {.tables = 1}, .entries = std::ssize(entries)};
  for (const Entry& entry : entries) {
    coded.stream.push_back(static_cast<uint8_t>(entry.gap));
    coded.stream.push_back(static_cast<uint8_t>(entry.level));
  }
  coded.parts.gaps = coded.parts.values = coded.entries;
  return coded;
}

// Nothing where the table has no room for all levels.
std::optional<CodedLevels> encode_bytes(const LevelMatrix& matrix, int bits) {
  const std::vector<Entry> entries = entries_of(matrix.levels, (int64_t{1} << (8 - bits)) - 1);
  std::array<int, 256> index{};
  index.fill(-1);
  std::vector<uint8_t> table;
  for (size_t i = 0; i + 1 < entries.size(); ++i) {
    const auto level = static_cast<uint8_t>(entries[i].level);
    if (index[level] >= 0) continue;
    index[level] = static_cast<int>(table.size());
    table.push_back(level);
  }
  if (table.size() > size_t{1} << bits) return {};
  index[0] = std::max(index[0], 0);
  table.resize(size_t{1} << bits, 0);
  CodedLevels coded{.stream = {static_cast<uint8_t>(bits)}, .parts = {.tables = 1}, .entries = std::ssize(entries)};
  coded.stream.insert(coded.stream.end(), table.begin(), table.end());
  for (const Entry& entry : entries) {
    const int level = index[static_cast<uint8_t>(entry.level)];
    coded.stream.push_back(static_cast<uint8_t>(entry.gap << bits | level));
  }
  coded.parts.codebook = std::ssize(table);
  coded.parts.indices = coded.entries * bits / 8;
  coded.parts.gaps = coded.entries - coded.parts.indices;
  return coded;
}

CodedLevels encode(const LevelMatrix& matrix) {
  CodedLevels best = encode_pairs(matrix);
  for (int bits = 1; bits < TC_PAIR_ENTRIES; ++bits) {
    std::optional<CodedLevels> coded = encode_bytes(matrix, bits);
    if (coded && coded->stream.size() < best.stream.size()) best = std::move(*coded);
  }
  return best;
}

std::optional<std::vector<int8_t>> decode(std::span<const uint8_t> stream, int64_t rows, int64_t columns) {
  tc_relative state;
  return decode_rows(stream, rows, columns, state, tc_relative_open, tc_relative_close);
}

}  // namespace

extern constinit const CoderDef k_coder_relative{
    .name = "relative",
    .summary = "gaps and values in whole bytes: C multiplies what is not 0 only, without decoding",
    .encode = encode,
    .decode = decode,
};

}  // namespace tinyc
