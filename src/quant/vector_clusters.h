// Few entries for many weighted vectors: k-means.
//
// Problem: for vectors x with weights w, a number each, find `count` entries that make
//   sum of w_j (x_j - c_j)^2 over all vectors, each with the entry that makes it least,
// small. Method: Lloyd's rounds from three starts, of which the best end stays: vectors that lie evenly along the main
// axis of all of them, from end to end (linear) or by weight (density), and vectors drawn one after the other with the
// probability of what each still adds to the sum (k-means++). Large sets are clustered by a sample. Zeros: elements
// that are held in a vector are 0 in the entry that it starts, for good, and a vector takes no other entries than those
// that are 0 where it is held. Cost a round: vectors times entries times length.
// Sources: as quant/weighted_line.h.
#pragma once

#include <cstdint>
#include <vector>

#include "quant/linear_algebra.h"
#include "tinyc/base/rng.h"

namespace tinyc {

// Entries of a codebook of vectors.
struct Entries {
  RowMajor values;              // [entries, length]
  std::vector<uint64_t> zeros;  // by entry, bit i: element i is 0 and stays so

  Eigen::Index size() const { return values.rows(); }
  Eigen::Index length() const { return values.cols(); }
  bool may_take(uint64_t held, Eigen::Index entry) const { return (held & ~zeros[static_cast<size_t>(entry)]) == 0; }
};

struct WeightedVectors {
  RowMajor x, weight;          // [vectors, length]; weights not below 0
  std::vector<uint64_t> held;  // by vector, bit i: element i is held at 0
};

// At most `count` entries, at least one. with_zero: the first is 0 throughout.
Entries cluster_vectors(const WeightedVectors& vectors, Eigen::Index count, bool with_zero, Rng& rng, int threads);
// The sum that was made small.
double clustering_error(const WeightedVectors& vectors, const Entries& entries, int threads);

}  // namespace tinyc
