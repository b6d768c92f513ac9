// Coders: integer weights as few bytes, for device decoders. One constant struct per coder in
// src/coding/coders/NAME.cpp and one line in src/coding/coder_list.inc. Every decoder is C99 in src/rt, the same on the
// host and on the device.
//
// Coding is exact: decode(encode(levels)) == levels. A stream does not hold its rows and columns.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tinyc {

// Integer weights as a matrix, row by row: a row is an output channel, a column one of its inputs.
struct LevelMatrix {
  std::span<const int8_t> levels;  // rows * columns of them
  int64_t rows = 0;
  int64_t columns = 0;
};

// What stored bytes are for.
struct ByteParts {
  int64_t values = 0;    // the levels themselves
  int64_t codebook = 0;  // the entries that indices are positions in
  int64_t indices = 0;
  int64_t gaps = 0;    // where the levels are that are not 0
  int64_t tables = 0;  // what the decoder must know first: headers, code lengths
  int64_t total() const { return values + codebook + indices + gaps + tables; }
  ByteParts& operator+=(const ByteParts& other) {
    values += other.values;
    codebook += other.codebook;
    indices += other.indices;
    gaps += other.gaps;
    tables += other.tables;
    return *this;
  }
  friend bool operator==(const ByteParts&, const ByteParts&) = default;
};

struct CodedLevels {
  std::vector<uint8_t> stream;
  ByteParts parts;  // of the stream
  // Products for each place of a kernel that computes with the stream as it is; 0: there is none, or decoding is
  // faster.
  int64_t entries = 0;
};

struct CoderDef {
  std::string_view name;     // "arithmetic": coders/arithmetic.cpp
  std::string_view summary;  // one line
  CodedLevels (*encode)(const LevelMatrix& matrix);
  // What encode() was given; nothing where the stream is not one of rows * columns levels. Any bytes may be passed.
  std::optional<std::vector<int8_t>> (*decode)(std::span<const uint8_t> stream, int64_t rows, int64_t columns);
};

std::span<const CoderDef* const> all_coders();

// Throws Error(kUsage) with a spelling hint for an unknown name.
const CoderDef& find_coder(std::string_view name);

// The coders to choose from: "none" of them, all for "smallest" and "fast", or a name. Throws as find_coder().
std::vector<const CoderDef*> parse_coders(std::string_view choice);

}  // namespace tinyc
