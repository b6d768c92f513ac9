#include "tinyc/base/parallel.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace tinyc {
namespace {

TEST(Parallel, RunsEveryIndexOnce) {
  for (const int threads : {1, 2, 7}) {
    std::vector<int> seen(1000, 0);
    std::vector<int> by_thread(static_cast<size_t>(threads), 0);
    parallel_for(1000, threads, [&](int64_t i, int thread) {
      ++seen[static_cast<size_t>(i)];
      ++by_thread.at(static_cast<size_t>(thread));
    });
    EXPECT_EQ(seen, std::vector<int>(1000, 1));
  }
}

TEST(Parallel, RethrowsTheSmallestIndex) {
  for (const int threads : {1, 2, 7}) {
    for (int round = 0; round < 20; ++round) {
      try {
        parallel_for(200, threads, [&](int64_t i, int) {
          if (i % 10 == 3) throw std::runtime_error(std::to_string(i));
        });
        FAIL();
      } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "3");
      }
    }
  }
}

TEST(Parallel, NothingToDo) {
  parallel_for(0, 4, [](int64_t, int) { FAIL(); });
  EXPECT_GE(hardware_threads(), 1);
}

}  // namespace
}  // namespace tinyc
