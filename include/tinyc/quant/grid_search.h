// Weights on a grid that come nearest to a target, as a layer's output sees it.
//
// Problem: for each row t of the target find integers q in [q_min, q_max] and a scale s that make
//   (s q - t) H (s q - t)^T
// small; rows may share a scale, columns of a row may have given factors on it, and some may be held at 0: what they
// leave is then made up for first (best_with_zeros), which moves t to where held columns are 0. Finding the least is a
// closest-vector problem, hard in general. Method, in stages that never make a row worse:
//   sweep    With columns in order of falling H_jj and H = R R^T, R upper triangular, the error is |(s q - t) R|^2,
//            and its k-th element depends on q_1 .. q_k only. Each q_k in turn is the integer that makes its element
//            least: nearest rounding with the errors of earlier columns fed back (Babai's nearest plane, which is what
//            GPTQ computes by way of the inverse). Every candidate scale is swept; the best one stays.
//   descent  With all others held, the best q_j is q_j - round(g_j / (s H_jj)), g = (s q - t) H. Columns in turn until
//            none moves.
//   pairs    Two columns move by a step each at a time where that gains; then descent again.
//   restarts Some columns, cheap ones rather than dear ones, are kicked a step away and descent starts again from
//   there;
//            the row moves on when it gains (iterated local search).
//   scale    For fixed q the best s is (q H t) / (q H q); with it descent again, kept where the error falls.
// The most promising scales go through all stages, and the best result stays. Cost a row of K columns: K^2 / 2
// multiply-adds a candidate scale, K^2 a round of pairs, some 10 K a restart; stages beyond the first descent stop
// where a layer has used up a budget of multiply-adds.
//
// Sources: Frantar et al., GPTQ, 2022 (arXiv:2210.17323); Babai, On Lovasz' lattice reduction, 1986; Behdin et al.,
// QuantEase, 2023 (arXiv:2309.01885), for the descent.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tinyc/quant/second_order.h"

namespace tinyc {

struct GridSearch {
  std::vector<OutputError> groups;
  std::vector<Matrix> factors;                // [group]: on the scales, [rows, columns]; none or empty: all are 1
  std::vector<GroupMask> held;                // [group]: weights that are 0; none: all are free
  std::vector<std::vector<size_t>> scale_of;  // [group][row]: index of the row's scale
  std::vector<double> scales;                 // today's
  std::vector<double> smallest;               // by scale: no candidate is below it
  // The scale near a given one that can be stored, exact in float.
  std::function<double(double)> storable = [](double scale) { return static_cast<double>(static_cast<float>(scale)); };
  int32_t q_min = -127;
  int32_t q_max = 127;
  int32_t q_step = 1;
  int finalists = 1;  // scales that go through all stages
  int restarts = 0;   // of each row
  uint64_t seed = 0;  // of the restarts
};

struct GridPoint {
  std::vector<double> scales;  // exact in float
  std::vector<Matrix> steps;   // [group]: integers [rows, columns]
  double error = 0;            // sum over rows of (s q - t) H (s q - t)^T, t where held columns are 0
};

// The same for any number of threads.
GridPoint search_grid(const GridSearch& search, int threads);

}  // namespace tinyc
