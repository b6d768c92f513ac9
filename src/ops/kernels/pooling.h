// Pooling in float over two spatial axes, planned once for given dims: the largest element or the mean under a window.
//
// Method: the largest element is found first down the columns of a window, for a whole row of inputs at a time, then
// along that row. A mean takes padded planes (planes.h), in which each tap is one contiguous line; windows that span
// whole unpadded rows and have one output are one contiguous run, summed as sum_of says. Numbers: means sum their taps
// in order, but for such runs, and divide by the count of those that count.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/kernels/planes.h"
#include "ops/kernels/product.h"

namespace tinyc::kernels {

enum class Pooling : uint8_t { kMax, kAverage };

class Pool {
 public:
  // `counts`: for averages, by output position, what the sum is divided by.
  Pool(Pooling kind, const PlaneAxis& y, const PlaneAxis& x, std::vector<float> counts);
  int64_t scratch_size() const;
  void run(const float* x, int64_t planes, float* y, float* scratch) const;

 private:
  Pooling kind_;
  PlaneAxis y_, x_;
  Planes planes_;
  bool contiguous_ = false;
  std::vector<int32_t> taps_;
  std::vector<ColumnRun> runs_;
  std::vector<float> counts_;
};

}  // namespace tinyc::kernels
