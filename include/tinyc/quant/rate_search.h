// Weights on grids that come near a target as a layer's output sees it and take few bits once they are entropy coded.
//
// Problem: for each row t of the target find integers q that make
//   gain * (u q - t) H (u q - t)^T + price * bits(q)
// small, u being the row's step and gain what its error is worth at the end of the model (quant/noise_gains.h). With a
// price, zeros, steps and codewords compete for the same bytes: pruning, quantization and entropy coding are one
// optimization; with gains, so do all rows of all layers. Method: the sweep of the grid search (quant/grid_search.h)
// gives integers without a price; then descent: with all others held, column j's integer is the best of the nearest to
// its optimum, the ones beside it, 0, and what it is. bits(q) is minus the logarithm of how often q occurs in the
// layer, taken anew after each round over all rows, as an adaptive coder would find it. Rounds end when hardly anything
// moves.
// One number, the noise D that each weight may make at the model's end, sets the price and a first step u: rounding to
// steps of u makes noise of u^2 / 12 on every column, and a bit is worth a part of it,
//   u = sqrt(12 D / (gain mean(H_jj))),   price = kBit 12 D.
// With that price finer steps are tried: where most integers are 0 they are better, for a price makes its own dead zone
// around 0. The layer keeps the steps with the least sum of noise and price. Steps hold the largest weight. Those of a
// layer are one number times powers of two: so few different steps, and multipliers made of them, are stored in next to
// nothing.
// Cost a round: rows times columns squared at most, where everything moves; rows times columns where nothing does.
//
// Sources: entropy-constrained quantization (Chou, Lookabaugh and Gray, 1989); rate-distortion optimization of
// networks' weights as in DeepCABAC (Wiedemann et al., 2020, arXiv:1907.11900), here with the output's error.
#pragma once

#include <cstdint>
#include <vector>

#include "tinyc/quant/second_order.h"

namespace tinyc {

struct RateSearch {
  std::vector<OutputError> groups;
  std::vector<GroupMask> held;                // [group]: weights that are 0; none: all are free
  std::vector<std::vector<size_t>> scale_of;  // [group][row]: index of the row's step
  std::vector<double> smallest;               // by step: none is below it
  std::vector<std::vector<double>> gains;     // [group][row]: what a unit of the row's error is worth
  double noise = 1e-6;                        // D: what each weight may make, in that worth
  int32_t q_max = 127;                        // integers are in [-q_max, q_max]
};

struct RatePoint {
  std::vector<double> scales;  // exact in float
  std::vector<Matrix> steps;   // [group]: integers [rows, columns]
};

// The same for any number of threads.
RatePoint search_rate(const RateSearch& search, int threads);

}  // namespace tinyc
