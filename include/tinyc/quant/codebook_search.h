// Weights that share few values and come near a target as a layer's output sees it.
//
// Problem: of a layer whose weights are u_r q, u_r the scale of row r, let the integers q take at most K = 2^bits
// different values c_1 .. c_K, the same for all rows, so that the layer is stored as indices of `bits` bits and a
// codebook of K bytes. Which values, and which of them for each weight, makes
//   sum over rows of (u q - t) H (u q - t)^T
// small? Method: three problems that are each easy while the others are held.
// - Values at first: k-means of t / u, each weighted by u^2 H_jj, what its error costs when it is alone
//   (quant/weighted_line.h). The scales u that it starts from make rows alike in power, or in their largest weight,
//   whichever leaves the smaller sum; then all are multiplied by one factor, which makes the largest value q_max, so
//   that rounding values to integers costs little.
// - Assignment: the sweep of the grid search (quant/grid_search.h) onto the values, then descent: with all others held,
//   the best value for column j is the one nearest to its optimum. Errors of columns make up for each other. Where a
//   row has a scale of its own, the sweep is done with some scales around it, for the best one depends on the
//   assignment.
// - With integers held, the best scale of a row is (q H t) / (q H q), and the best values solve K equations:
//     A c = b,   A_kl = sum_r u_r^2 e_k(r) H e_l(r)^T,   b_k = sum_r u_r e_k(r) H t_r^T,
//   e_k(r) having a 1 where row r takes value k. Values are rounded to integers, duplicates dropped, weights assigned
//   again; that is kept, and done again, while the sum falls.
// Where an index stands for several weights (`length`), quant/vector_search.h says what is done in place of this.
// Where weights are held at 0, or a whole row is 0, one of the values is 0: what is 0 stays so.
// Cost a round: rows times columns squared, for the equations as for descent where everything moves.
//
// Sources: Han, Mao and Dally, Deep Compression, 2016 (arXiv:1510.00149), for shared values; Choi, El-Khamy and Lee,
// Towards the Limit of Network Quantization, 2017 (arXiv:1612.01543), for k-means weighted by second derivatives.
#pragma once

#include <cstdint>
#include <vector>

#include "tinyc/quant/second_order.h"

namespace tinyc {

struct CodebookSearch {
  std::vector<OutputError> groups;
  std::vector<GroupMask> held;                // [group]: weights that are 0; none: all are free
  std::vector<std::vector<size_t>> scale_of;  // [group][row]: index of the row's scale
  std::vector<double> smallest;               // by scale: none is below it
  bool power_of_two_scales = false;
  int bits = 4;                // 1..8
  int64_t length = 1;          // weights that an index stands for, 1..64; divides the columns
  std::vector<int64_t> order;  // columns, those that an index stands for behind each other; empty: as they are
  int64_t rows_together =
      0;                // of all groups' rows in their order, so many have a codebook of their own; 0: one for all
  int32_t q_max = 127;  // integers are in [-q_max, q_max]
  uint64_t seed = 0;
};

struct CodebookPoint {
  std::vector<double> scales;    // exact in float
  std::vector<double> codebook;  // integers, at most 2^bits of them a codebook (ascending), or 2^bits times `length`
  std::vector<Matrix> steps;     // [group]: integers of the codebook [rows, columns]
  double error = 0;              // the sum that was made small
};

// The same for any number of threads. Rows that share a scale share a codebook, whatever rows_together says.
CodebookPoint search_codebook(const CodebookSearch& search, int threads);

}  // namespace tinyc
