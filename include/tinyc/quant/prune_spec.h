// What the user asks of pruning: which weights go together, and how many of them.
#pragma once

#include <cstdint>
#include <string_view>

#include "tinyc/quant/pruning.h"

namespace tinyc {

enum class PruneUnit : uint8_t { kWeight, kVector, kKernel, kRow, kPattern };

struct PruneSpec {
  PruneUnit unit = PruneUnit::kWeight;
  double share = 0.5;  // of weights that go, where there is no quota
  int64_t kept = 0;    // N of N:M, or of a kernel's taps; 0: no quota
  int64_t of = 0;      // M
  int64_t vector = 1;  // neighbours that go together, for kVector

  // Each group of weights, or each kernel, keeps so many: layers do not compete.
  bool has_quota() const { return kept > 0; }
};

// "0.8", "2:4", "kernels:0.5", "rows:0.25", "vectors:4:0.5", "patterns:4". Throws Error(kUsage).
PruneSpec parse_prune_spec(std::string_view text);
// The units of a layer's rows. `taps`: elements of a kernel (1 for a matrix), which are neighbours in the weights.
// For patterns units are single weights, kernel after kernel. Neighbours of vectors and quotas are inputs of the same
// tap; where the inputs do not fill a vector or a quota, they go on with the next tap.
PruneUnits prune_units(const PruneSpec& spec, const LinearForm& form, int64_t taps);

}  // namespace tinyc
