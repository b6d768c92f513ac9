// Second-order weight fitting: a layer's output error as a quadratic form in its weights.
//
// Problem: choose weights Q (of a form that can be stored) and a bias so that the layer, fed with what the compressed
// model gives it, x, comes as near as possible to what it was in the float model, fed with f:
//   E |Q x + b' - (W f + b)|^2
// With H = E[x x^T] and A = E[f x^T] (means taken out when the bias may move, for then b' = b + W E[f] - Q E[x] is the
// best for any Q) this is, up to a constant,
//   (Q - T) H (Q - T)^T     with the target   T = W + W (A - H) (H + lambda I)^-1,
// row by row. T also makes up for what reaches the layer wrongly. lambda keeps T near W in directions that the data
// hardly show. Everything below needs H and T only: the data are gone over once.
//
// Sources: Frantar and Alistarh, Optimal Brain Compression, 2022 (arXiv:2208.11580), for the form; ridge regression
// (Hoerl and Kennard, 1970) for the target.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tinyc/quant/moments.h"
#include "tinyc/quant/weight_mask.h"

namespace tinyc {

// The quadratic form of one group of a layer.
struct OutputError {
  Matrix h;       // [columns, columns], positive definite
  Matrix target;  // [rows, columns]
};

// Mean of H's diagonal times `share`, added to the diagonal; a layer without any input gets a 1.
Matrix damped(const Matrix& h, double share);

// T for `weights` [rows, columns], lambda = share times the mean of H's diagonal.
Matrix best_weights(const Matrix& weights, const Moments& moments, double share);

// The weights of least error among those that are 0 where they are held, row by row: the target where nothing is.
Matrix best_with_zeros(const OutputError& error, const GroupMask& held, int threads);
// The same for all groups of a layer.
std::vector<Matrix> best_with_zeros(std::span<const OutputError> errors, std::span<const GroupMask> held, int threads);

// E |candidate x - weights f|^2 less what it is for a candidate of zeros, which depends on the data alone: for
// comparing candidates on data of which only the moments are known.
double error_above_zeros(const Matrix& candidate, const Matrix& weights, const Moments& moments);

// What to add to each row's bias when `weights` on f become `stored` on x.
std::vector<double> bias_shift(const Matrix& weights, const Matrix& stored, const Moments& moments);

}  // namespace tinyc
