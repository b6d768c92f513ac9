// Which form each layer takes when together they may only be so large.
//
// Problem: every layer has some forms (bits of its weights), each with its bytes and the noise that it alone adds to
// the model's outputs; choose one a layer so that the sum of noise is least for every sum of bytes. Method: dynamic
// programming over the layers. The state after k layers is the frontier: all sums of bytes and noise that no other
// beats in both; a layer more is every state with every form, and the frontier of those. Exact as long as a frontier
// has at most kMostStates states; a longer one keeps the best state of each of so many equal ranges of bytes. Noise
// powers add up where layers' errors are uncorrelated: what comes out must be verified. Cost: layers * forms *
// kMostStates. Source: Bellman; the multiple-choice knapsack problem.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tinyc {

struct Form {
  int64_t bytes = 0;
  double noise = 0;
};

struct Allocation {
  std::vector<size_t> forms;  // by layer: index into its forms
  int64_t bytes = 0;
  double noise = 0;
};

inline constexpr size_t kMostStates = 4096;

// The frontier: from the smallest to the largest, with falling noise. Every layer has at least one form.
std::vector<Allocation> allocate(std::span<const std::vector<Form>> layers);

// The last of the frontier that has at most so many bytes; null when the smallest has more.
const Allocation* best_within(std::span<const Allocation> frontier, int64_t bytes);

}  // namespace tinyc
