// huffman: one canonical code a level, or numbers of 1 to 8 bits where the table would cost more than it saves.
#include "coding/decode_rows.h"
#include "coding/prefix_code.h"

namespace tinyc {
namespace {

CodedLevels encode(const LevelMatrix& matrix) {
  const PrefixCode code(std::vector<int>(matrix.levels.begin(), matrix.levels.end()));
  BitWriter writer;
  for (const int8_t level : matrix.levels) code.write(level, writer);
  CodedLevels coded{.stream = code.table(), .parts = {}};
  coded.parts.tables = static_cast<int64_t>(coded.stream.size());
  coded.parts.values = static_cast<int64_t>(writer.bytes().size());
  coded.stream.insert(coded.stream.end(), writer.bytes().begin(), writer.bytes().end());
  return coded;
}

std::optional<std::vector<int8_t>> decode(std::span<const uint8_t> stream, int64_t rows, int64_t columns) {
  tc_huffman state;
  return decode_rows(stream, rows, columns, state, tc_huffman_open, tc_huffman_close);
}

}  // namespace

extern constinit const CoderDef k_coder_huffman{
    .name = "huffman",
    .summary = "canonical Huffman codes of levels: fast to decode, one bit a weight at least",
    .encode = encode,
    .decode = decode,
};

}  // namespace tinyc
