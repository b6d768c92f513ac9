#include "ops/broadcast.h"

#include <gtest/gtest.h>

namespace tinyc {
namespace {

// Offset of the operand's element that stands at `idx` of the output, by the definition of broadcasting.
int64_t offset_at(const Dims& out, const Dims& operand, int64_t idx) {
  int64_t offset = 0, stride = 1;
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t dim = out[out.size() - 1 - i];
    if (i < operand.size()) {
      const int64_t own = operand[operand.size() - 1 - i];
      if (own != 1) offset += idx % dim * stride;
      stride *= own;
    }
    idx /= dim;
  }
  return offset;
}

TEST(Broadcast, VisitsEachElementWithItsOperands) {
  const std::vector<std::pair<Dims, Dims>> shapes{{{2, 3, 4}, {2, 3, 4}},       {{2, 3, 4}, {3, 1}}, {{2, 3, 4}, {}},
                                                  {{5, 1, 4}, {1, 3, 1}},       {{1, 1}, {1, 1}},    {{4}, {2, 1, 4}},
                                                  {{3, 1, 1, 2}, {3, 5, 1, 2}}, {{7, 1}, {1, 6}}};
  for (const auto& [a, b] : shapes) {
    const Dims out = broadcast(a, b);
    const auto plan = plan_broadcast<2>(out, {a, b});
    int64_t next = 0;
    for_each_line(plan, [&](int64_t place, const std::array<int64_t, 2>& offsets) {
      for (int64_t i = 0; i < plan.line; ++i, ++next) {
        EXPECT_EQ(place + i, next);
        EXPECT_EQ(offsets[0] + i * plan.steps[0], offset_at(out, a, next));
        EXPECT_EQ(offsets[1] + i * plan.steps[1], offset_at(out, b, next));
      }
    });
    EXPECT_EQ(next, element_count(out));
  }
}

TEST(Broadcast, MergesWhatLiesTogether) {
  const auto same = plan_broadcast<2>(Dims{2, 3, 4}, {Dims{2, 3, 4}, Dims{2, 3, 4}});
  EXPECT_EQ(same.line, 24);
  const auto per_channel = plan_broadcast<2>(Dims{2, 3, 4, 5}, {Dims{2, 3, 4, 5}, Dims{3, 1, 1}});
  EXPECT_EQ(per_channel.line, 20);
  EXPECT_EQ(per_channel.steps, (std::array<int64_t, 2>{1, 0}));
}

TEST(Broadcast, OfNothingVisitsNothing) {
  const auto plan = plan_broadcast<2>(Dims{3, 0}, {Dims{3, 0}, Dims{1}});
  for_each_line(plan, [](int64_t, const std::array<int64_t, 2>&) { FAIL(); });
}

}  // namespace
}  // namespace tinyc
