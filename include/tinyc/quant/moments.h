// First and second moments of what a layer reads: all that least squares needs to know of the data.
//
//   x: the layer's columns in the model as it is now      H = E[x x^T]   E[x]
//   f: the same columns in the float model                A = E[f x^T]   E[f]
//
// Accumulated position by position (ops/linear.h), so memory is two matrices a group, whatever the number of samples.
// Products of a tile of some hundred positions are sums of fused multiply-adds in float, of a relative error around
// 1e-6; tiles are summed in double, in the order of samples. Neither depends on the number of threads.
#pragma once

#include <span>
#include <vector>

#include "tinyc/ops/linear.h"
#include "tinyc/quant/matrix.h"

namespace tinyc {

struct Moments {
  Matrix h;  // [columns, columns]
  Matrix a;  // [columns, columns]: f along rows, x along columns
  std::vector<double> mean_x;
  std::vector<double> mean_f;
};

// Sums of one group; parts can be merged.
struct MomentSums {
  Matrix xx;  // the upper triangle
  Matrix fx;
  std::vector<double> x;
  std::vector<double> f;
  int64_t positions = 0;

  MomentSums() = default;
  explicit MomentSums(int64_t columns);
  void merge(const MomentSums& other);
  // Means over the positions; `centred` takes the means out of H and A, which are then covariances: 0 for a column
  // that varies less than the error of its sums tells.
  Moments moments(bool centred) const;
};

// A sample of a layer's data in the model as it is and in the float model.
struct MomentSample {
  const LinearForm* now;
  const LinearForm* wanted;
};

// The stride at which the moments of a layer with these samples take about `macs` multiply-accumulates at the most.
int64_t affordable_stride(std::span<const LinearForm> samples, double macs);

// By group. Reads every `stride`th tile of positions.
std::vector<MomentSums> sum_moments(std::span<const MomentSample> samples, int64_t stride, int threads);

}  // namespace tinyc
