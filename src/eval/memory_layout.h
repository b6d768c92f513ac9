// Places for values that live for a while, in one block of memory.
//
// Problem: give each value an offset such that values that live at the same time do not overlap, in little memory
// (dynamic storage allocation; NP-hard). Method: largest first, each at the lowest offset where it fits between those
// already placed that live at some time with it. On the usual chains of layers this reaches the lower bound, the
// largest sum of what lives at once. Cost: O(n^2 log n) for n values.
// Source: Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, greedy by size.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace tinyc {

struct Lifetime {
  size_t bytes = 0;
  size_t first = 0;  // the step that writes it
  size_t last = 0;   // the last step that reads it
};

struct MemoryLayout {
  std::vector<size_t> offsets;  // by lifetime, multiples of 64
  size_t bytes = 0;             // of the whole block
};
MemoryLayout lay_out(std::span<const Lifetime> lifetimes);

}  // namespace tinyc
