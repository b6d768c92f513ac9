#include "eval/memory_layout.h"

#include <gtest/gtest.h>

#include <random>

namespace tinyc {
namespace {

bool overlap(size_t a, size_t a_size, size_t b, size_t b_size) {
  return a < b + b_size && b < a + a_size;
}

TEST(MemoryLayout, ValuesThatLiveTogetherDoNotOverlap) {
  std::mt19937 random(1);
  for (int round = 0; round < 100; ++round) {
    std::vector<Lifetime> lifetimes(1 + random() % 40);
    for (Lifetime& lifetime : lifetimes) {
      const size_t first = random() % 30;
      lifetime = {random() % 1000, first, first + random() % 10};
    }
    const MemoryLayout layout = lay_out(lifetimes);
    for (size_t i = 0; i < lifetimes.size(); ++i) {
      EXPECT_EQ(layout.offsets[i] % 64, 0U);
      EXPECT_LE(layout.offsets[i] + lifetimes[i].bytes, layout.bytes);
      for (size_t j = 0; j < i; ++j) {
        if (lifetimes[i].first > lifetimes[j].last || lifetimes[j].first > lifetimes[i].last) continue;
        EXPECT_FALSE(overlap(layout.offsets[i], lifetimes[i].bytes, layout.offsets[j], lifetimes[j].bytes));
      }
    }
  }
}

TEST(MemoryLayout, AChainTakesItsLargestNeighbours) {
  const std::vector<Lifetime> chain{{640, 0, 1}, {1280, 1, 2}, {64, 2, 3}, {1920, 3, 4}, {128, 4, 5}};
  EXPECT_EQ(lay_out(chain).bytes, 1920U + 128U);
}

TEST(MemoryLayout, NothingTakesNothing) {
  EXPECT_EQ(lay_out({}).bytes, 0U);
  EXPECT_EQ(lay_out(std::vector<Lifetime>{{0, 0, 3}}).bytes, 0U);
}

}  // namespace
}  // namespace tinyc
