// The coder that finds tables of values and of vectors in weights.
#include <gtest/gtest.h>

#include <vector>

#include "tinyc/base/rng.h"
#include "tinyc/coding/coder.h"

namespace tinyc {
namespace {

constexpr int64_t kRows = 64;
constexpr int64_t kColumns = 144;
constexpr int64_t kHeader = 10;

// Rows of vectors drawn from `count` ones of random levels; their levels `step` apart, a group of rows its own.
std::vector<int8_t> vectors(int64_t length, int64_t step, uint64_t count, int64_t group = kRows) {
  Rng rng(5);
  std::vector<int8_t> levels(kRows * kColumns);
  std::vector<int8_t> entries;
  for (int64_t r = 0; r < kRows; ++r) {
    if (r % group == 0) {
      entries.clear();
      for (uint64_t i = 0; i < count * static_cast<uint64_t>(length); ++i) {
        entries.push_back(static_cast<int8_t>(static_cast<int64_t>(rng.below(256)) - 128));
      }
    }
    for (int64_t i = 0; i < kColumns / length; ++i) {
      const auto entry = static_cast<int64_t>(rng.below(count));
      for (int64_t k = 0; k < length; ++k) {
        const int64_t column = step == 1 ? i * length + k : i + k * step;
        levels[static_cast<size_t>(r * kColumns + column)] = entries[static_cast<size_t>(entry * length + k)];
      }
    }
  }
  return levels;
}

CodedLevels coded(const std::vector<int8_t>& levels) {
  const CoderDef& coder = find_coder("codebook");
  CodedLevels result = coder.encode({levels, kRows, kColumns});
  EXPECT_EQ(coder.decode(result.stream, kRows, kColumns), levels);
  EXPECT_EQ(result.parts.total(), static_cast<int64_t>(result.stream.size()));
  return result;
}

TEST(CodebookCoder, FindsFewValues) {
  for (const int bits : {1, 2, 3, 4, 5, 6, 7}) {
    const CodedLevels result = coded(vectors(1, 1, uint64_t{1} << bits));
    EXPECT_EQ(result.parts.indices, kRows * kColumns * bits / 8) << bits;
    EXPECT_EQ(result.parts.codebook, int64_t{1} << bits) << bits;
    EXPECT_EQ(result.parts.tables, kHeader) << bits;
  }
}

TEST(CodebookCoder, FindsVectorsOfNeighbours) {
  for (const int64_t length : {2, 3, 4, 8, 9}) {
    const CodedLevels result = coded(vectors(length, 1, 16));
    EXPECT_EQ(result.parts.indices, kRows * kColumns / length / 2) << length;
    EXPECT_EQ(result.parts.codebook, 16 * length) << length;
    EXPECT_EQ(result.parts.tables, kHeader + 1) << length;
  }
}

TEST(CodebookCoder, FindsTheTapsOfAnInput) {
  const CodedLevels result = coded(vectors(9, kColumns / 9, 32));
  EXPECT_EQ(result.parts.indices, kRows * 10);  // 16 inputs of 5 bits
  EXPECT_EQ(result.parts.codebook, 32 * 9);
}

TEST(CodebookCoder, FindsGroupsOfRowsWithTablesOfTheirOwn) {
  const CodedLevels result = coded(vectors(1, 1, 4, 8));
  EXPECT_EQ(result.parts.indices, kRows * kColumns / 4);
  EXPECT_EQ(result.parts.codebook, kRows / 8 * 4);
}

TEST(CodebookCoder, NoticesAnIndexWithoutAnEntry) {
  const CodedLevels result = coded(vectors(4, 1, 9));
  std::vector<uint8_t> changed = result.stream;
  changed[static_cast<size_t>(kHeader + 1 + 9 * 4)] = 0xFF;
  EXPECT_FALSE(find_coder("codebook").decode(changed, kRows, kColumns));
}

}  // namespace
}  // namespace tinyc
