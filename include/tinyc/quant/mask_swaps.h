// A mask with a quota made better: within each run of neighbours a weight that is held and one that is free change
// places where the row's error falls.
//
// Problem: taking weights away one by one (the criterion obs) cannot take back what it took early, and a quota leaves
// it few choices at the end. Method: row by row, with C the inverse of H among the free columns K and w their best
// values, column i costs w_i^2 / C_ii when it goes; without it, held column j of the same run gains g_j^2 / s_j when it
// becomes free, with g = (w - t) H and the Schur complement s_j = H_jj - H_jK C H_Kj. Where the gain is more than the
// cost they swap, and C and w follow by rank one. Columns in turn until none swaps or the budget of a layer is spent.
// The error falls with every swap, so it ends. Cost: about 3 k^3 multiply-adds a row and sweep for k free columns.
// Source: exchange algorithms for subset selection (Miller, Subset Selection in Regression, 2002).
#pragma once

#include "tinyc/quant/pruning.h"

namespace tinyc {

// For units of single weights with a quota; others come back as they are. The same for any number of threads.
GroupMask swap_held(const OutputError& error, const PruneUnits& units, GroupMask mask, int threads);

}  // namespace tinyc
