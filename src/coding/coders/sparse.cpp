// sparse: gaps between the levels that are not 0, and their values; rt/sparse_s8.h says how.
//
// The reach of a gap is 2^bits - 1. A wide one makes few entries with long gap codes, a narrow one many that carry no
// value: all from 1 to 8 bits are tried, and the shortest stream is kept.
#include <algorithm>

#include "coding/decode_rows.h"
#include "coding/prefix_code.h"

namespace tinyc {
namespace {

constexpr int kWidestGap = 8;

// The gaps of the stream in order; one of `reach` has no value behind it, nor has the last when it ends the levels.
std::vector<int> gaps_of(std::span<const int8_t> levels, int reach) {
  std::vector<int> gaps;
  int zeros = 0;
  for (const int8_t level : levels) {
    if (level != 0) {
      gaps.push_back(zeros);
      zeros = 0;
    } else if (++zeros == reach) {
      gaps.push_back(reach);
      zeros = 0;
    }
  }
  if (zeros > 0) gaps.push_back(zeros);
  return gaps;
}

CodedLevels encode_with(const LevelMatrix& matrix, int reach) {
  std::vector<int> values;
  std::copy_if(matrix.levels.begin(), matrix.levels.end(), std::back_inserter(values), [](int v) { return v != 0; });
  const std::vector<int> gaps = gaps_of(matrix.levels, reach);
  const PrefixCode gap_code(gaps);
  const PrefixCode value_code(values);
  BitWriter writer;
  auto value = values.begin();
  for (const int gap : gaps) {
    gap_code.write(gap, writer);
    if (gap != reach && value != values.end()) value_code.write(*value++, writer);
  }
  CodedLevels coded{.stream = {static_cast<uint8_t>(reach)}, .parts = {}};
  for (const PrefixCode* code : {&gap_code, &value_code}) {
    coded.stream.insert(coded.stream.end(), code->table().begin(), code->table().end());
  }
  coded.parts.tables = static_cast<int64_t>(coded.stream.size());
  coded.parts.values = (value_code.bits() + 7) / 8;
  coded.parts.gaps = static_cast<int64_t>(writer.bytes().size()) - coded.parts.values;
  coded.stream.insert(coded.stream.end(), writer.bytes().begin(), writer.bytes().end());
  return coded;
}

CodedLevels encode(const LevelMatrix& matrix) {
  CodedLevels best = encode_with(matrix, 1);
  for (int bits = 2; bits <= kWidestGap; ++bits) {
    CodedLevels coded = encode_with(matrix, (1 << bits) - 1);
    if (coded.stream.size() < best.stream.size()) best = std::move(coded);
  }
  return best;
}

std::optional<std::vector<int8_t>> decode(std::span<const uint8_t> stream, int64_t rows, int64_t columns) {
  tc_sparse state;
  return decode_rows(stream, rows, columns, state, tc_sparse_open, tc_sparse_close);
}

}  // namespace

extern constinit const CoderDef k_coder_sparse{
    .name = "sparse",
    .summary = "gaps and values of the weights that are not 0: fastest to decode where most are",
    .encode = encode,
    .decode = decode,
};

}  // namespace tinyc
