// Kernels that keep so many taps, in one of a few patterns.
//
// Problem: taps pruned singly leave kernels of as many shapes as there are kernels; code and decoders that treat
// kernels of one shape alike want few. Method: the taps that are worth most to each kernel by a criterion's costs are a
// pattern; of all patterns that occur a library is built greedily, each time by the one that adds most to what all
// kernels of the layer keep with the best pattern they have so far; then each kernel takes the best one in the library.
// What is kept so is within 1 - 1/e of the best library of that size, as for any sum of maxima (Nemhauser, Wolsey,
// Fisher, 1978). Cost: patterns times kernels for each member of the library. Source of the idea: Niu et al., PatDNN,
// 2020 (arXiv:2001.00138).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tinyc/quant/pruning.h"

namespace tinyc {

inline constexpr size_t kMostPatterns = 8;

// Which weights of each group are held at 0. `units` are single weights, kernel after kernel of `taps` each; `rankings`
// are the orders in which all of them would go.
std::vector<GroupMask> hold_patterns(std::span<const Ranking> rankings, const PruneUnits& units, int64_t taps,
                                     int64_t kept);

}  // namespace tinyc
