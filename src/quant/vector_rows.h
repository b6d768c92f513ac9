// Rows of weights as indices into a codebook of vectors: the assignment steps of quant/vector_search.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quant/grid_rows.h"
#include "quant/vector_clusters.h"

namespace tinyc {

struct VectorRow {
  std::vector<Eigen::Index> entries;  // by vector, in the order of the sweep
  double scale = 0;
  double error = 0;

  // Integers by column in that order.
  std::vector<double> values(const Entries& codebook) const;
};

// The rows of one group on one codebook, whose columns stand vector by vector.
class VectorRows {
 public:
  // Refers to both.
  VectorRows(const SortedError& error, const Entries& codebook);

  // By lane; the error is that of the sweep.
  std::vector<VectorRow> swept(std::span<const Lane> lanes) const;
  // Moves single vectors to the entry that is best while the others stay, until none gains; sets the error.
  void descend(int64_t row, VectorRow& state) const;

 private:
  // The entries as a vector's metric sees them, and their squared lengths there.
  struct Seen {
    Eigen::MatrixXd entries;  // [entries, length], the numbers of a column side by side
    Eigen::VectorXd squares;
  };
  struct Moving;

  static Seen seen(const Entries& codebook, const Eigen::MatrixXd& metric);
  Eigen::Index nearest(const Seen& seen, const Eigen::RowVectorXd& wanted, uint64_t held) const;
  uint64_t held_of(int64_t row, Eigen::Index vector) const;
  bool move_to_best(Eigen::Index vector, double least_gain, Moving& moving) const;

  const SortedError* error_;
  const Entries* codebook_;
  Eigen::Index vectors_;                 // of a row
  std::vector<Seen> swept_, held_;       // by vector: in the metric of the sweep, and of descent with the others held
  std::vector<Eigen::MatrixXd> factor_;  // by vector: lower triangular L, L L^T being its block of H
};

}  // namespace tinyc
