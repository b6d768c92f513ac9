// Rounding learned from a layer's data by gradients (AdaRound), with the loss behind the clamp that follows.
//
// Problem: what a grid search (quant/grid_search.h) makes least is a quadratic form of the weights, in which every
// position counts alike. Behind a Relu an error counts only where the output is not cut off: the loss
//   mean over positions of (clamp(Q x + b) - clamp(T x + c))^2,   x the layer's data, T and c what it should do with
//   them,
// is another one for every row, and no quadratic form. T is the target of quant/second_order.h, as far from the float
// weights as samples kept out allow: the float outputs themselves as a goal would be learned by heart where positions
// are few.
//
// Method: every weight moves continuously between the integers next to the one it has, v in [q - 1, q + 1]. Adam
// descends the loss over mini-batches of positions, together with the row's bias. A penalty 1 - |2 h - 1|^beta on the
// part h behind the point, absent at first, with beta falling later, drives v to integers; in the end it is rounded,
// and the bias is fitted anew by Newton's method. Rows are apart from each other: each is learned by itself, and keeps
// its new integers only where its loss over all stored positions is less than that of the old ones.
//
// Cost: iterations * positions of a batch * weights * 2 multiply-adds, up to a bound for a layer. Memory: positions up
// to a bound, of one group a thread. Deterministic: positions and their order follow from the seed, sums of a row from
// nothing but its own numbers.
//
// Source: Nagel et al., Up or Down? Adaptive Rounding for Post-Training Quantization, 2020 (arXiv:2004.10568). There h
// is a stretched sigmoid of what is learned; here it is learned itself, cut to its interval, which costs no exponential
// and lets a weight that begins at an integer move both ways.
#pragma once

#include <cstdint>
#include <vector>

#include "tinyc/ops/clamp.h"
#include "tinyc/ops/linear.h"
#include "tinyc/quant/matrix.h"
#include "tinyc/quant/weight_mask.h"

namespace tinyc {

struct AdaptiveRounding {
  std::vector<const LinearForm*> samples;        // the layer's data; at least one
  std::vector<Matrix> targets;                   // [group]: T, [rows, columns]
  std::vector<std::vector<double>> target_bias;  // [group][row]: c
  std::vector<Matrix> units;                     // [group]: what a weight grows by when its integer grows by 1
  std::vector<Matrix> steps;                     // [group]: integers to begin with
  std::vector<GroupMask> held;                   // [group]: weights that stay at 0; none: all are free
  std::vector<std::vector<double>> bias;         // [group][row]: to begin with
  bool free_bias = true;                         // whether it may change
  ClampLimits limits;                            // of the clamp that follows
  int32_t q_min = -127;
  int32_t q_max = 127;
  int32_t q_step = 1;
  int64_t iterations = 0;
  uint64_t seed = 0;
};

struct AdaptedRounding {
  std::vector<Matrix> steps;              // integers
  std::vector<std::vector<double>> bias;  // [group][row]
};

// The same for any number of threads.
AdaptedRounding adapt_rounding(const AdaptiveRounding& given, int threads);

}  // namespace tinyc
