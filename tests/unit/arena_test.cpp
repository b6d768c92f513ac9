#include <gtest/gtest.h>

#include <algorithm>

#include "code/builder.h"
#include "tinyc/base/rng.h"

namespace tinyc {
namespace {

CallArg arg(CallArg::Kind kind, size_t buffer) {
  return {kind, 0, static_cast<uint32_t>(buffer), 0};
}

size_t add_buffer(DeviceProgram& program, int64_t bytes) {
  program.buffers.emplace_back();
  program.buffers.back().bytes = bytes;
  return program.buffers.size() - 1;
}

// Each call reads up to two earlier results, writes one, has scratch at times, and may at times overlap.
DeviceProgram random_program(uint64_t seed) {
  Rng rng(seed);
  DeviceProgram program;
  std::vector<size_t> results = {add_buffer(program, 16 + static_cast<int64_t>(rng.below(4000)))};
  program.calls.push_back({nullptr, {arg(CallArg::Kind::kWrite, results[0])}, {}, 0});
  const size_t calls = 2 + rng.below(14);
  for (size_t i = 0; i < calls; ++i) {
    KernelCall call;
    const size_t result = add_buffer(program, 1 + static_cast<int64_t>(rng.below(4000)));
    call.args.push_back(arg(CallArg::Kind::kWrite, result));
    const size_t operands = 1 + rng.below(2);
    for (size_t k = 0; k < operands; ++k) {
      const size_t operand = results[results.size() - 1 - rng.below(std::min<size_t>(results.size(), 3))];
      call.args.push_back(arg(CallArg::Kind::kRead, operand));
      Overlap overlap{BufferId(result), BufferId(operand), rng.below(2) == 0, 0};
      overlap.below = overlap.same_start ? 0 : static_cast<int64_t>(rng.below(600));
      if (rng.below(3) > 0) call.overlaps.push_back(overlap);
    }
    if (rng.below(2) == 0) {
      call.args.push_back(arg(CallArg::Kind::kScratch, add_buffer(program, static_cast<int64_t>(rng.below(900)))));
    }
    program.calls.push_back(std::move(call));
    results.push_back(result);
  }
  return program;
}

bool lives_at(const DeviceProgram& program, size_t buffer, size_t call) {
  size_t first = program.calls.size();
  size_t last = 0;
  for (size_t i = 0; i < program.calls.size(); ++i) {
    for (const CallArg& a : program.calls[i].args) {
      if (a.id != buffer) continue;
      first = std::min(first, i);
      last = std::max(last, i);
    }
  }
  return first <= call && call <= last;
}

bool shares_bytes(const DeviceBuffer& a, const DeviceBuffer& b) {
  return a.bytes > 0 && b.bytes > 0 && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

// The call allows its result to lie so over an operand that ends with it.
bool allowed(const DeviceProgram& program, size_t call, size_t a, size_t b) {
  for (const Overlap& overlap : program.calls[call].overlaps) {
    const size_t result = index_of(overlap.result);
    const size_t operand = index_of(overlap.operand);
    if (!((result == a && operand == b) || (result == b && operand == a))) continue;
    if (lives_at(program, operand, call + 1) || (call > 0 && lives_at(program, result, call - 1))) continue;
    const int64_t distance = program.buffers[operand].offset - program.buffers[result].offset;
    if (overlap.same_start ? distance == 0 : distance >= overlap.below) return true;
  }
  return false;
}

class ArenaTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(ArenaTest, NothingAliveIsOverwritten) {
  DeviceProgram program = random_program(GetParam());
  plan_arena(program);
  for (size_t call = 0; call < program.calls.size(); ++call) {
    for (size_t a = 0; a < program.buffers.size(); ++a) {
      if (!lives_at(program, a, call)) continue;
      EXPECT_LE(program.buffers[a].offset + program.buffers[a].bytes, program.arena_bytes);
      EXPECT_EQ(program.buffers[a].offset % kArenaAlignment, 0);
      for (size_t b = a + 1; b < program.buffers.size(); ++b) {
        if (!lives_at(program, b, call) || !shares_bytes(program.buffers[a], program.buffers[b])) continue;
        EXPECT_TRUE(allowed(program, call, a, b)) << "call " << call << ", buffers " << a << " and " << b;
      }
    }
  }
}

// What is alive in a call needs room side by side, but for results that may cover operands.
TEST_P(ArenaTest, IsNoSmallerThanWhatLives) {
  DeviceProgram program = random_program(GetParam());
  plan_arena(program);
  for (size_t call = 0; call < program.calls.size(); ++call) {
    int64_t alive = 0;
    int64_t coverable = 0;
    for (size_t a = 0; a < program.buffers.size(); ++a) {
      if (lives_at(program, a, call)) alive += program.buffers[a].bytes;
    }
    for (const Overlap& overlap : program.calls[call].overlaps) {
      const int64_t result = program.buffers[index_of(overlap.result)].bytes;
      coverable = std::max({coverable, std::min(result, program.buffers[index_of(overlap.operand)].bytes)});
    }
    const auto operands = static_cast<int64_t>(program.calls[call].overlaps.size());
    EXPECT_GE(program.arena_bytes, alive - operands * coverable);
  }
}

TEST_P(ArenaTest, IsTheSameTwice) {
  DeviceProgram first = random_program(GetParam());
  DeviceProgram second = random_program(GetParam());
  plan_arena(first);
  plan_arena(second);
  EXPECT_EQ(first.arena_bytes, second.arena_bytes);
  for (size_t i = 0; i < first.buffers.size(); ++i) EXPECT_EQ(first.buffers[i].offset, second.buffers[i].offset);
}

INSTANTIATE_TEST_SUITE_P(Random, ArenaTest, ::testing::Range<uint64_t>(1, 60));

TEST(Arena, AChainInPlaceNeedsItsLargestBuffer) {
  DeviceProgram program;
  size_t before = add_buffer(program, 4096);
  program.calls.push_back({nullptr, {arg(CallArg::Kind::kWrite, before)}, {}, 0});
  for (int i = 0; i < 5; ++i) {
    const size_t result = add_buffer(program, 4096 - 512 * i);
    program.calls.push_back({nullptr,
                             {arg(CallArg::Kind::kRead, before), arg(CallArg::Kind::kWrite, result)},
                             {{BufferId(result), BufferId(before), i % 2 == 0, 0}},
                             0});
    before = result;
  }
  plan_arena(program);
  EXPECT_EQ(program.arena_bytes, 4096);
}

TEST(Arena, AResultThatRunsAheadNeedsItsDistance) {
  DeviceProgram program;
  const size_t operand = add_buffer(program, 1600);
  const size_t result = add_buffer(program, 1600);
  program.calls.push_back({nullptr, {arg(CallArg::Kind::kWrite, operand)}, {}, 0});
  program.calls.push_back({nullptr,
                           {arg(CallArg::Kind::kRead, operand), arg(CallArg::Kind::kWrite, result)},
                           {{BufferId(result), BufferId(operand), false, 160}},
                           0});
  plan_arena(program);
  EXPECT_EQ(program.arena_bytes, 1760);
  EXPECT_EQ(program.buffers[operand].offset - program.buffers[result].offset, 160);
}

TEST(Arena, AnOperandReadLaterIsNotCovered) {
  DeviceProgram program;
  const size_t operand = add_buffer(program, 1600);
  const size_t result = add_buffer(program, 1600);
  const size_t sum = add_buffer(program, 1600);
  program.calls.push_back({nullptr, {arg(CallArg::Kind::kWrite, operand)}, {}, 0});
  program.calls.push_back({nullptr,
                           {arg(CallArg::Kind::kRead, operand), arg(CallArg::Kind::kWrite, result)},
                           {{BufferId(result), BufferId(operand), false, 0}},
                           0});
  program.calls.push_back(
      {nullptr,
       {arg(CallArg::Kind::kRead, operand), arg(CallArg::Kind::kRead, result), arg(CallArg::Kind::kWrite, sum)},
       {{BufferId(sum), BufferId(result), true, 0}},
       0});
  plan_arena(program);
  EXPECT_EQ(program.arena_bytes, 3200);
}

}  // namespace
}  // namespace tinyc
