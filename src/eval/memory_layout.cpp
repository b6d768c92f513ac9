#include "eval/memory_layout.h"

#include <algorithm>
#include <numeric>

namespace tinyc {
namespace {

constexpr size_t kAlignment = 64;

struct Block {
  size_t begin, end;
};

size_t lowest_gap(std::vector<Block>& taken, size_t bytes) {
  std::sort(taken.begin(), taken.end(), [](const Block& a, const Block& b) { return a.begin < b.begin; });
  size_t offset = 0;
  for (const Block& block : taken) {
    if (block.begin >= offset + bytes) break;
    offset = std::max(offset, block.end);
  }
  return offset;
}

}  // namespace

MemoryLayout lay_out(std::span<const Lifetime> lifetimes) {
  MemoryLayout layout;
  layout.offsets.resize(lifetimes.size());
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
  const auto rounded = [&](size_t i) { return (lifetimes[i].bytes + kAlignment - 1) / kAlignment * kAlignment; };
  std::vector<size_t> placed;
  for (const size_t i : order) {
    std::vector<Block> taken;
    for (const size_t j : placed) {
      if (lifetimes[i].first <= lifetimes[j].last && lifetimes[j].first <= lifetimes[i].last) {
        taken.push_back({layout.offsets[j], layout.offsets[j] + rounded(j)});
      }
    }
    layout.offsets[i] = lowest_gap(taken, rounded(i));
    layout.bytes = std::max(layout.bytes, layout.offsets[i] + rounded(i));
    placed.push_back(i);
  }
  return layout;
}

}  // namespace tinyc
