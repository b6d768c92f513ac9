// Huffman codes of limited length, and what the coders that are made of them store.
#include "coding/prefix_code.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <queue>
#include <vector>

#include "tinyc/base/rng.h"
#include "tinyc/coding/coder.h"
#include "tinyc/coding/entropy.h"

namespace tinyc {
namespace {

int64_t total(const std::vector<int64_t>& counts, const std::vector<int>& lengths) {
  return std::inner_product(counts.begin(), counts.end(), lengths.begin(), int64_t{0});
}

double kraft(const std::vector<int>& lengths) {
  double sum = 0.0;
  for (const int length : lengths) sum += length == 0 ? 0.0 : 1.0 / static_cast<double>(1 << length);
  return sum;
}

// The least total without a limit: the two smallest are merged until one is left.
int64_t huffman_total(const std::vector<int64_t>& counts) {
  std::priority_queue<int64_t, std::vector<int64_t>, std::greater<>> queue;
  for (const int64_t count : counts) {
    if (count > 0) queue.push(count);
  }
  int64_t sum = 0;
  while (queue.size() > 1) {
    int64_t pair = queue.top();
    queue.pop();
    pair += queue.top();
    queue.pop();
    queue.push(pair);
    sum += pair;
  }
  return sum;
}

TEST(PrefixCode, LengthsAreHuffmansWhereNothingLimitsThem) {
  Rng rng(5);
  for (int round = 0; round < 50; ++round) {
    std::vector<int64_t> counts(2 + rng.below(40));
    for (int64_t& count : counts) count = static_cast<int64_t>(rng.below(1000));
    counts[0] = counts[1] = 1;
    const std::vector<int> lengths = limited_code_lengths(counts, 24);
    EXPECT_EQ(total(counts, lengths), huffman_total(counts));
    EXPECT_DOUBLE_EQ(kraft(lengths), 1.0);
    for (size_t i = 0; i < counts.size(); ++i) EXPECT_EQ(lengths[i] == 0, counts[i] == 0);
  }
}

// Every choice of lengths up to the limit that a prefix code can have.
int64_t least_total(const std::vector<int64_t>& counts, int longest) {
  int64_t least = std::numeric_limits<int64_t>::max();
  std::vector<int> lengths(counts.size(), 1);
  for (;;) {
    if (kraft(lengths) <= 1.0) least = std::min(least, total(counts, lengths));
    size_t at = 0;
    while (at < lengths.size() && lengths[at] == longest) lengths[at++] = 1;
    if (at == lengths.size()) return least;
    ++lengths[at];
  }
}

// Counts like Fibonacci numbers make the longest codes.
TEST(PrefixCode, LimitedLengthsAreTheBestOfTheirLimit) {
  const std::vector<int64_t> counts = {1, 1, 2, 3, 5, 8};
  EXPECT_EQ(limited_code_lengths(counts, 5), (std::vector<int>{5, 5, 4, 3, 2, 1}));
  for (const int longest : {3, 4}) {
    const std::vector<int> lengths = limited_code_lengths(counts, longest);
    EXPECT_EQ(total(counts, lengths), least_total(counts, longest));
    EXPECT_DOUBLE_EQ(kraft(lengths), 1.0);
    EXPECT_EQ(*std::max_element(lengths.begin(), lengths.end()), longest);
  }
}

TEST(PrefixCode, AllCodesMayHaveTheLimit) {
  const std::vector<int64_t> counts(256, 3);
  EXPECT_EQ(limited_code_lengths(counts, 8), std::vector<int>(256, 8));
}

std::vector<int8_t> sparse_levels(size_t size, double kept) {
  Rng rng(6);
  std::vector<int8_t> levels(size, 0);
  for (int8_t& level : levels) {
    if (rng.uniform() < kept) level = static_cast<int8_t>(1 + rng.below(4));
  }
  return levels;
}

TEST(Huffman, IsWithinABitOfTheEntropy) {
  const std::vector<int8_t> levels = sparse_levels(8192, 0.8);
  const CodedLevels coded = find_coder("huffman").encode({levels, 64, 128});
  EXPECT_LT(8.0 * static_cast<double>(coded.parts.values), entropy_bits(levels) + 0.1 * 8192);
  EXPECT_EQ(coded.parts.tables, 2 + 3);  // five symbols of a nibble
}

TEST(Huffman, LeavesOutATableThatDoesNotPay) {
  std::vector<int8_t> levels(64);
  std::iota(levels.begin(), levels.end(), int8_t{-32});
  const CodedLevels coded = find_coder("huffman").encode({levels, 4, 16});
  EXPECT_EQ(coded.parts.tables, 3);
  EXPECT_EQ(coded.parts.values, 64 * 6 / 8);
}

TEST(Sparse, TakesFewBytesWhereFewLevelsAreNotZero) {
  const std::vector<int8_t> levels = sparse_levels(8192, 0.05);
  const CodedLevels coded = find_coder("sparse").encode({levels, 64, 128});
  EXPECT_LT(8.0 * static_cast<double>(coded.parts.total()), 1.1 * entropy_bits(levels));
  EXPECT_GT(coded.parts.gaps, coded.parts.values);
}

// Gaps far longer than any reach.
TEST(Sparse, SaysLongGapsInParts) {
  std::vector<int8_t> levels(6000, 0);
  levels[2000] = 7;
  levels[5999] = -7;
  const CoderDef& coder = find_coder("sparse");
  const CodedLevels coded = coder.encode({levels, 3, 2000});
  EXPECT_EQ(coder.decode(coded.stream, 3, 2000), levels);
  EXPECT_LT(coded.parts.total(), 24);
}

}  // namespace
}  // namespace tinyc
